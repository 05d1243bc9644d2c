"""Photographs for calibration and proof, degraded as in training and cropped to the input size of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from edgeir.core.errors import DataError
from edgeir.data.degrade import AnyDegradation, Bicubic
from edgeir.data.degrade.base import to_bytes, to_unit
from edgeir.data.degrade.bicubic import upscale
from edgeir.data.sources.base import ImageRef
from edgeir.data.sources.embedded import CALIBRATION_PHOTOS, PROOF_PHOTOS, embedded
from edgeir.data.sources.folder import Folder
from edgeir.imaging.luma import luma_of
from edgeir.manifest.card import Card
from edgeir.manifest.facts import NetworkFacts

__all__ = [
    "Patch",
    "calibration_photographs",
    "degradation_of",
    "fingerprint",
    "patches",
    "proof_photographs",
]

Pixels = NDArray[np.uint8]
_DEGRADATION: TypeAdapter[AnyDegradation] = TypeAdapter(AnyDegradation)
FEWEST = 3
"""Smallest number of photographs for a proof."""


@dataclass(frozen=True)
class Patch:
    """A network input and its ground truth, float32 HWC in [0, 1], of the photograph `name`."""

    input: NDArray[np.float32]
    truth: NDArray[np.float32]
    name: str = ""


def calibration_photographs(folder: str | Path | None) -> list[ImageRef]:
    """The images of `folder`, or those of scikit-image's that calibrate.

    Raises:
        DataError: the folder is missing or holds no image.
    """
    return embedded(CALIBRATION_PHOTOS) if folder is None else Folder(path=str(folder)).images()


def proof_photographs(folder: str | Path | None, seen: Collection[str]) -> list[ImageRef]:
    """Photographs that calibration never saw: the user's `folder`, and scikit-image's.

    Args:
        folder: further photographs; None: scikit-image's alone.
        seen: the `fingerprint` of every image that calibration used; those are left out.

    Raises:
        DataError: the folder is missing or holds no image, or fewer than three photographs are left.
    """
    candidates = [*(Folder(path=str(folder)).images() if folder is not None else []), *embedded(PROOF_PHOTOS)]
    if seen:  # where calibration used other photographs, its default ones are unseen too
        candidates += embedded(CALIBRATION_PHOTOS)
    kept: dict[str, ImageRef] = {}
    for ref in candidates:
        key = fingerprint(ref.load())
        if key not in seen:
            kept.setdefault(key, ref)
    if len(kept) < FEWEST:
        raise DataError(
            f"only {len(kept)} photographs are left for the proof that calibration did not use",
            where=folder,
            fix="calibrate on fewer images or name others with --proof",
        )
    return list(kept.values())


def fingerprint(image: Pixels) -> str:
    """A hash of the pixels, to compare images."""
    return hashlib.sha256(str(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def degradation_of(card: Card) -> AnyDegradation | None:
    """The degradation of the network's recipe; without a recipe bicubic shrinking by its scale, or none."""
    data = card.provenance.get("recipe", {}).get("data", {})
    try:
        degradation = _DEGRADATION.validate_python(data["degradation"])
        # A deployed network holds its noise level.
        mapped = getattr(degradation, "noise_map", False)
        return degradation.model_copy(update={"noise_map": False}) if mapped else degradation
    except (KeyError, TypeError, ValidationError):
        return Bicubic(scale=card.facts.scale) if card.facts.scale > 1 else None


def patches(
    refs: Sequence[ImageRef],
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
            yield Patch(_degraded(truth, facts, degradation, rng), to_unit(truth), ref.name)


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
