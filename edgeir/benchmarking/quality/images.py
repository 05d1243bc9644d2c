"""Every image of a suite: degraded the same for every network, restored, and measured by the suite's protocol."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.benchmarking.result import ImageScore, Quality, SetQuality
from edgeir.benchmarking.suite import Suite
from edgeir.core.errors import ConfigError
from edgeir.core.progress import Progress
from edgeir.data.degrade.base import Degraded
from edgeir.data.paired.base import PairRef
from edgeir.data.sources.base import ImageRef
from edgeir.imaging.luma import luma_of
from edgeir.metrics import ms_ssim, psnr, ssim

__all__ = ["quality_of"]

EQUAL_DB = 100.0
"""PSNR of two equal images, so that a mean stays finite."""

Image = NDArray[np.float32]


def quality_of(
    restore: Callable[[Degraded], Image], suite: Suite, *, tiled: bool, limit: int | None, progress: Progress
) -> Quality:
    """Every image of every set through `restore`, with means per set.

    Args:
        restore: the degraded image, bytes or [0, 1], to the restored one, float32 in [0, 1].
        tiled: recorded in the result.
        limit: at most this many images of each set, with a note.

    Raises:
        ConfigError: `limit` is below 1.
        DataError: a set's images are not there.
    """
    if limit is not None and limit < 1:
        raise ConfigError([f"`limit` must be at least 1, not {limit}"])
    image_sets = [entry.images() for entry in suite.sets]
    total = sum(len(entry.refs[:limit]) for entry in image_sets)
    sets, done = [], 0
    for entry in image_sets:
        scores = []
        for index, ref in enumerate(entry.refs[:limit]):
            progress(done, total, f"{entry.name}/{ref.name}")
            # The same noise for every network: seeded by the image's index in its set.
            scores.append(_score(restore, suite, ref, np.random.default_rng([0, index])))
            done += 1
        notes = [entry.note] if entry.note else []
        if limit is not None and limit < len(entry.refs):
            notes.append(f"{entry.name}: the first {limit} of {len(entry.refs)} images only")
        sets.append(_mean(entry.name, scores, "; ".join(notes)))
    progress(total, total, "measured")
    return Quality(sets=tuple(sets), tiled=tiled)


def _score(
    restore: Callable[[Degraded], Image], suite: Suite, ref: ImageRef | PairRef, rng: np.random.Generator
) -> ImageScore:
    """Crop to a multiple of the scale from the top left, degrade, restore, compare.

    A pair is degraded already; only its `extra_degradation` comes on top.
    """
    scale, original = suite.scale, ref.clean() if isinstance(ref, PairRef) else ref.load()
    height, width = (side - side % scale for side in original.shape[:2])
    conventions = suite.resolved_protocol().model_dump()
    structure = suite.resolved_ms_ssim_protocol().model_dump()
    target: NDArray[Any] = np.ascontiguousarray(original[:height, :width])
    if conventions["channel"] == "gray":
        target = luma_of(target)
    given, degradation = target, suite.degradation
    if isinstance(ref, PairRef):
        given, degradation = ref.given()[: height // scale, : width // scale], ref.extra_degradation
        if conventions["channel"] == "gray":
            given = luma_of(given)
    output: NDArray[Any] = restore(given if degradation is None else degradation.degrade(given, rng))
    gray_file = isinstance(ref, ImageRef) and conventions["channel"] == "y" and ref.gray()
    if conventions["channel"] == "gray" or gray_file:
        # As in the papers: a single-channel file is compared on its own values, which span 256 levels and not Y's 220.
        output, target = luma_of(np.clip(output, 0, 1)), luma_of(target)
        conventions["channel"] = structure["channel"] = "gray"
    decibel = psnr(output, target, **conventions)
    return ImageScore(
        name=ref.name,
        psnr_db=EQUAL_DB if math.isinf(decibel) else decibel,
        ssim=ssim(output, target, **conventions) if "ssim" in suite.metrics else None,
        ms_ssim=ms_ssim(output, target, **structure) if "ms_ssim" in suite.metrics else None,
    )


def _mean(name: str, scores: list[ImageScore], note: str) -> SetQuality:
    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return statistics.fmean(known) if len(known) == len(values) else None

    return SetQuality(
        name=name,
        images=len(scores),
        psnr_db=statistics.fmean(score.psnr_db for score in scores),
        ssim=mean([score.ssim for score in scores]),
        ms_ssim=mean([score.ms_ssim for score in scores]),
        comparable=not note,
        note=note,
        per_image=tuple(scores),
    )
