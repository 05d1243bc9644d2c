"""Calibration inputs, which set the integer ranges of a file: crops of photographs, and warnings of what they lack."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.data.degrade import AnyDegradation
from edgeir.data.degrade.base import to_unit
from edgeir.exporting.prove.images import calibration_photographs, fingerprint, patches
from edgeir.manifest.facts import NetworkFacts
from edgeir.quantize.synthetic import with_synthetic

__all__ = ["CalibrationData", "fitted", "gather", "shortcomings"]

_LOG = logging.getLogger("edgeir.exporting")
FEW = 4
"""Fewer photographs than this give a warning."""
_LEVELS = (0.1, 0.9)
"""Calibration should have pixels below the first and above the second, in every channel."""
_SHARE = 1e-3
"""How many of them, of all pixels."""
_FLAT = 0.02
"""Mean standard deviation below which an input counts as almost flat."""


@dataclass(frozen=True)
class CalibrationData:
    """Network inputs for calibration.

    Attributes:
        inputs: (N, H, W, C) float32 in [0, 1], C 3 or that of a network of one channel; N = 0 where none is needed.
        seen: fingerprints of the photographs that they were cut from, which no proof may use.
    """

    inputs: NDArray[np.float32]
    seen: frozenset[str] = frozenset()

    @property
    def range_inputs(self) -> NDArray[np.float32]:
        """`inputs`, noise, a patchwork of saturated colours, and the finest grain that ranges are to cover."""
        return with_synthetic(self.inputs)

    @classmethod
    def none(cls, channels: int) -> CalibrationData:
        """For a file that needs no calibration."""
        return cls(np.zeros((0, 1, 1, channels), np.float32))


def gather(
    calibration: str | Path | NDArray[np.generic] | None,
    facts: NetworkFacts,
    degradation: AnyDegradation | None,
    *,
    size: int,
    count: int,
    seed: int = 0,
) -> CalibrationData:
    """Cut calibration inputs; shortcomings are logged as warnings.

    Args:
        calibration: a folder of photographs (degraded here), ready inputs (N, H, W, C) uint8 or float in [0, 1], or
            None for scikit-image's photographs.
        size: side of a crop, in network-input pixels.
        count: at least this many crops, equally many from each photograph.

    Raises:
        DataError: the folder is missing or empty.
        ExportError: the array has another shape or range.
    """
    if isinstance(calibration, np.ndarray):
        data = CalibrationData(_checked(calibration, facts.channels))
        images = len(data.inputs)
    else:
        refs = calibration_photographs(calibration)
        side = max(size // facts.size_multiple, 1) * facts.size_multiple
        per_image = -(-count // len(refs))
        crops = patches(refs, facts, degradation, (side, side), per_image=per_image, seed=seed)
        seen = frozenset(fingerprint(ref.load()) for ref in refs)
        data, images = CalibrationData(np.stack([crop.input for crop in crops]), seen), len(seen)
    if calibration is not None:
        for what in shortcomings(data.inputs, images, radius=facts.receptive_radius):
            _LOG.warning("calibration: %s", what)
    return data


def fitted(images: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """(N, H, W, C) images cut to `size`, or mirrored at their lower and right border until they fill it.

    For a graph that runs at one size only, or would compute something else at another.
    """
    height, width = size
    lacking = [(0, max(0, wanted - had)) for wanted, had in zip(size, images.shape[1:3], strict=True)]
    return np.pad(images[:, :height, :width], [(0, 0), *lacking, (0, 0)], mode="symmetric")


def shortcomings(inputs: NDArray[np.float32], images: int, *, radius: int = 0) -> list[str]:
    """Shortcomings of calibration inputs cut from `images` different images, one sentence each; empty if none.

    Args:
        radius: pixels to each side that an output pixel depends on; smaller inputs show what borders are like only.
    """
    problems = []
    if images < FEW:
        problems.append(
            f"only {images} image{'s' if images != 1 else ''}; use {FEW} or more different photographs"
        )
    height, width = inputs.shape[1:3]
    if min(height, width) < 2 * radius + 1:
        problems.append(
            f"the inputs are {height}x{width}, and the network sees {radius} pixels to each side; use larger ones"
        )
    if inputs.shape[3] == 3 and float(np.ptp(inputs, axis=3).max()) == 0:
        problems.append("all images are gray; add images in colour")
    names = ("red", "green", "blue") if inputs.shape[3] == 3 else ("brightness",)
    for index, name in enumerate(names):
        channel = inputs[..., index]
        dark, bright = (channel < _LEVELS[0]).mean(), (channel > _LEVELS[1]).mean()
        if bright < _SHARE:
            problems.append(
                f"{name} hardly reaches above {float(np.quantile(channel, 0.999)):.2f}; add bright images"
            )
        if dark < _SHARE:
            problems.append(
                f"{name} hardly reaches below {float(np.quantile(channel, 0.001)):.2f}; add dark images"
            )
    if float(inputs.std(axis=(1, 2)).mean()) < _FLAT:
        problems.append("the images are almost flat; add images with detail")
    return problems


def _checked(array: NDArray[np.generic], channels: int) -> NDArray[np.float32]:
    if array.ndim != 4 or array.shape[3] != channels or array.shape[0] == 0:
        raise ExportError(f"calibration inputs must have shape (N, H, W, {channels}), not {array.shape}")
    values = to_unit(array)  # type: ignore[arg-type]  # any number type
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise ExportError(f"calibration inputs must lie in [0, 1], not [{values.min()}, {values.max()}]")
    return values
