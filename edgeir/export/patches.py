"""Real pictures for calibration and parity: photographs, degraded as the task says, cut to the size a file takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeir.core.artifact import NetworkFacts
from edgeir.core.errors import DataError, ExportError
from edgeir.data.degrade.bicubic import downscale, upscale
from edgeir.data.sources import Embedded, Folder, ImageRef

__all__ = ["Patch", "calibration_inputs", "patches", "photographs"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Patch:
    """A network input and its ground truth, float32 HWC in [0, 1]."""

    input: NDArray[np.float32]
    truth: NDArray[np.float32]


def photographs(folder: str | Path | None) -> list[ImageRef]:
    """The images of `folder`, or scikit-image's photographs.

    Raises:
        DataError: the folder is missing or holds no image.
    """
    return (Embedded() if folder is None else Folder(path=str(folder))).images()


def patches(
    refs: list[ImageRef], facts: NetworkFacts, size: tuple[int, int], *, per_image: int, seed: int
) -> Iterator[Patch]:
    """Random crops: `size` is the network's own input size (height, width).

    A photograph smaller than a crop is continued by reflection, so that every file size can be fed.
    """
    rng = np.random.default_rng(seed)
    scale = facts.net_scale
    height, width = size[0] * scale, size[1] * scale
    for ref in refs:
        photo = _at_least(ref.load(), height, width)
        for _ in range(per_image):
            top = int(rng.integers(photo.shape[0] - height + 1))
            left = int(rng.integers(photo.shape[1] - width + 1))
            truth = photo[top : top + height, left : left + width]
            yield Patch(_float(_degrade(truth, facts)), _float(truth))


def calibration_inputs(
    calibration: str | Path | NDArray[np.generic] | None,
    facts: NetworkFacts,
    *,
    size: int,
    count: int,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Network inputs for calibration, (N, H, W, 3) float32 in [0, 1].

    Args:
        calibration: a folder of photographs (degraded here), ready inputs (N, H, W, 3) uint8 or float in [0, 1], or
            None for the embedded photographs.
        size: side of a crop, in network-input pixels.
        count: at least this many crops, equally many from each photograph.

    Raises:
        DataError: the folder is missing or empty.
        ExportError: the array has another shape or range.
    """
    if isinstance(calibration, np.ndarray):
        return _checked(calibration)
    refs = photographs(calibration)
    side = max(size // facts.size_multiple, 1) * facts.size_multiple
    per_image = -(-count // len(refs))
    return np.stack([p.input for p in patches(refs, facts, (side, side), per_image=per_image, seed=seed)])


def _checked(array: NDArray[np.generic]) -> NDArray[np.float32]:
    if array.ndim != 4 or array.shape[3] != 3 or array.shape[0] == 0:
        raise ExportError(f"calibration inputs must have shape (N, H, W, 3), not {array.shape}")
    values = _float(array) if array.dtype == np.uint8 else array.astype(np.float32)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise ExportError(f"calibration inputs must lie in [0, 1], not [{values.min()}, {values.max()}]")
    return values


def _degrade(truth: Pixels, facts: NetworkFacts) -> Pixels:
    if facts.task != "super-resolution":
        return truth
    if truth.shape[0] % facts.scale or truth.shape[1] % facts.scale:
        raise DataError(f"{truth.shape[0]}x{truth.shape[1]} is no multiple of the scale {facts.scale}")
    small = downscale(truth, facts.scale)
    return upscale(small, facts.scale) if facts.input_kind == "bicubic" else small


def _at_least(photo: Pixels, height: int, width: int) -> Pixels:
    extra = [(0, max(0, height - photo.shape[0])), (0, max(0, width - photo.shape[1])), (0, 0)]
    return np.pad(photo, extra, mode="symmetric") if any(after for _, after in extra) else photo


def _float(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    return pixels.astype(np.float32) / np.float32(255)
