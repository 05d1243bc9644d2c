"""Real pictures for calibration and parity: photographs, degraded as the task says, cut to the size a file takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from edgeir.core.errors import DataError, ExportError
from edgeir.data.degrade import AnyDegradation, Bicubic
from edgeir.data.degrade.base import to_bytes, to_unit
from edgeir.data.degrade.bicubic import upscale
from edgeir.data.sources.base import ImageRef
from edgeir.data.sources.embedded import Embedded
from edgeir.data.sources.folder import Folder
from edgeir.imaging.luma import luma_of
from edgeir.manifest.card import Card
from edgeir.manifest.facts import NetworkFacts

__all__ = ["Patch", "calibration_inputs", "degradation_of", "patches", "photographs"]

Pixels = NDArray[np.uint8]
_DEGRADATION: TypeAdapter[AnyDegradation] = TypeAdapter(AnyDegradation)


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


def degradation_of(card: Card) -> AnyDegradation | None:
    """What the network was trained to undo, by its recipe; without one the usual shrinking of its scale, or nothing."""
    data = card.provenance.get("recipe", {}).get("data", {})
    try:
        degradation = _DEGRADATION.validate_python(data["degradation"])
        # A deployed network has its noise level inside.
        told = getattr(degradation, "noise_map", False)
        return degradation.model_copy(update={"noise_map": False}) if told else degradation
    except (KeyError, TypeError, ValidationError):
        return Bicubic(scale=card.facts.scale) if card.facts.scale > 1 else None


def patches(
    refs: list[ImageRef],
    facts: NetworkFacts,
    degradation: AnyDegradation | None,
    size: tuple[int, int],
    *,
    per_image: int,
    seed: int,
) -> Iterator[Patch]:
    """Random crops: `size` is the network's own input size (height, width). Inputs are what a file would hold: 8 bits.

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
            truth = luma_of(truth) if facts.colour == "y" else truth
            yield Patch(_degraded(truth, facts, degradation, rng), to_unit(truth))


def calibration_inputs(
    calibration: str | Path | NDArray[np.generic] | None,
    facts: NetworkFacts,
    degradation: AnyDegradation | None,
    *,
    size: int,
    count: int,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Network inputs for calibration, (N, H, W, C) float32 in [0, 1], C 3 or that of a network of one channel.

    Args:
        calibration: a folder of photographs (degraded here), ready inputs (N, H, W, C) uint8 or float in [0, 1], or
            None for the embedded photographs.
        size: side of a crop, in network-input pixels.
        count: at least this many crops, equally many from each photograph.

    Raises:
        DataError: the folder is missing or empty.
        ExportError: the array has another shape or range.
    """
    if isinstance(calibration, np.ndarray):
        return _checked(calibration, facts.channels)
    refs = photographs(calibration)
    side = max(size // facts.size_multiple, 1) * facts.size_multiple
    per_image = -(-count // len(refs))
    crops = patches(refs, facts, degradation, (side, side), per_image=per_image, seed=seed)
    return np.stack([crop.input for crop in crops])


def _checked(array: NDArray[np.generic], channels: int) -> NDArray[np.float32]:
    if array.ndim != 4 or array.shape[3] != channels or array.shape[0] == 0:
        raise ExportError(f"calibration inputs must have shape (N, H, W, {channels}), not {array.shape}")
    values = to_unit(array)  # type: ignore[arg-type]  # any number type
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
        raise ExportError(f"calibration inputs must lie in [0, 1], not [{values.min()}, {values.max()}]")
    return values


def _degraded(
    truth: Pixels, facts: NetworkFacts, degradation: AnyDegradation | None, rng: np.random.Generator
) -> NDArray[np.float32]:
    if degradation is None:
        return to_unit(truth)
    if truth.shape[0] % facts.scale or truth.shape[1] % facts.scale:
        raise DataError(f"{truth.shape[0]}x{truth.shape[1]} is no multiple of the scale {facts.scale}")
    small = to_bytes(to_unit(degradation.degrade(truth, rng)))
    enlarge = facts.input_kind == "bicubic" and facts.scale > 1
    return to_unit(upscale(small, facts.scale, degradation.enlargement) if enlarge else small)


def _at_least(photo: Pixels, height: int, width: int) -> Pixels:
    extra = [(0, max(0, height - photo.shape[0])), (0, max(0, width - photo.shape[1])), (0, 0)]
    return np.pad(photo, extra, mode="symmetric") if any(after for _, after in extra) else photo
