"""Run a file and the network that it was made of on the same images, and measure the difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ParityError
from edgeir.exporting.prove.images import Patch
from edgeir.manifest.parity import Change
from edgeir.metrics.conventions import Channel
from edgeir.metrics.psnr import unrounded_psnr
from edgeir.metrics.ssim import WINDOW, ssim

__all__ = ["compare", "compare_extremes"]

Image = NDArray[np.float32]
Run = Callable[[Image], Image]


def compare(
    file: Run,
    network: Run,
    patches: Iterable[Patch],
    *,
    on_worst: Callable[[Patch, Image, Image], None] | None = None,
) -> Change:
    """Run both on every patch of a photograph.

    Args:
        file: the session of the written file.
        network: the deployed torch network.
        patches: at least one.
        on_worst: is given each patch that loses more than all before it, what the network made of it and what the
            file did.

    Raises:
        ParityError: the file computes NaN or infinity.
    """
    drops: list[float] = []
    errors, similarities, shifts, names = [], [], [], []
    for patch in patches:
        got, wanted = file(patch.input), network(patch.input)
        difference = _difference(got, wanted, patch.name)
        size = np.abs(difference)
        errors.append((size.max(), *np.percentile(size, (99, 99.9)), size.mean()))
        drop = unrounded_psnr(wanted, patch.truth) - unrounded_psnr(got, patch.truth)
        if on_worst is not None and drop > max(drops, default=-math.inf):
            on_worst(patch, wanted, got)
        drops.append(drop)
        similarities.append(_similarity(wanted, patch.truth) - _similarity(got, patch.truth))
        shifts.append(difference.mean((0, 1)) * 255)
        names.append(patch.name)
    red, green, blue = np.broadcast_to(np.mean(shifts, axis=0), 3)
    lost_most = int(np.argmax(drops))
    largest, percentile, high_percentile, _ = (float(value) for value in np.max(errors, axis=0))
    less_similar = float(np.mean(similarities))
    return Change(
        images=len(drops),
        max_abs_error=largest,
        p99_abs_error=percentile,
        p999_abs_error=high_percentile,
        mean_abs_error=float(np.mean(errors, axis=0)[3]),
        psnr_drop_db=float(np.mean(drops)),
        worst_psnr_drop_db=drops[lost_most],
        worst_image=names[lost_most],
        ssim_drop=less_similar if math.isfinite(less_similar) else None,
        colour_shift=(float(red), float(green), float(blue)),
    )


def compare_extremes(file: Run, network: Run, inputs: Mapping[str, Image]) -> tuple[float, str]:
    """The largest mean difference of a channel over all inputs, in 8-bit levels, and the input's name.

    Raises:
        ParityError: the file computes NaN or infinity.
    """
    largest, name = 0.0, next(iter(inputs))
    for label, image in inputs.items():
        shift = float(np.abs(_difference(file(image), network(image), label).mean((0, 1))).max()) * 255
        if shift > largest:
            largest, name = shift, label
    return largest, name


def _difference(got: Image, wanted: Image, name: str) -> NDArray[np.float64]:
    difference = got.astype(np.float64) - wanted
    if not np.isfinite(difference).all():
        raise ParityError(f"the exported file computes NaN or infinity on the image `{name}`")
    return difference


def _similarity(image: Image, truth: Image) -> float:
    """SSIM on luma, unrounded; NaN for an image that is too small for its window."""
    if min(truth.shape[:2]) < WINDOW:
        return math.nan
    channel: Channel = "y" if truth.shape[2] == 3 else "gray"
    return ssim(image, truth, channel=channel, crop=0, rounding=False)
