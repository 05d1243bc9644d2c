"""The interface of a degradation.

A degradation is a pure function of a clean image and a random generator, which the caller seeds, so that the same
sample has the same pixels whatever the number of processes or the order of work.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field

from edgeir.core.config import Config

__all__ = [
    "BlurSigma",
    "Degradation",
    "Degraded",
    "NoiseSigma",
    "NonNegative",
    "Pixels",
    "Range",
    "SameSize",
    "at_most",
    "draw",
    "enlargement_of",
    "ordered",
    "to_bytes",
    "to_unit",
]

Pixels = npt.NDArray[np.uint8]
Degraded: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
"""uint8, or float32 on the [0, 1] scale where bytes cannot hold it (noise that is not clipped)."""


Bounds = TypeVar("Bounds", bound=float | tuple[float, float])


def ordered(value: Bounds) -> Bounds:
    """Raise `ValueError` for a range that ends below its beginning."""
    if isinstance(value, tuple) and value[0] > value[1]:
        raise ValueError(f"the range begins at {value[0]:g}, above its end {value[1]:g}")
    return value


def at_most(limit: float) -> AfterValidator:
    """A check that a value, or the end of a range, is no larger than `limit`."""

    def check(value: Bounds) -> Bounds:
        if (value[-1] if isinstance(value, tuple) else value) > limit:
            raise ValueError(f"must be at most {limit:g}")
        return value

    return AfterValidator(check)


NonNegative = Annotated[float, Field(ge=0)]
Range = Annotated[NonNegative | tuple[NonNegative, NonNegative], AfterValidator(ordered)]
"""A fixed value, or a range from which each sample draws uniformly."""
BlurSigma = Annotated[Range, at_most(1000)]
"""Standard deviation of a Gaussian in pixels, or a range."""
NoiseSigma = Annotated[Range, at_most(1000)]
"""Standard deviation of noise on the 0-255 scale, or a range."""


class Degradation(Config):
    """Turns a clean image into the network's input."""

    @property
    def random(self) -> bool:
        """Two calls on the same image may differ. False: the degraded images are computed once and stored."""
        return True

    @property
    def unlabelled(self) -> bool:
        """There is no clean image: what stands in its place is the input once more."""
        return False

    @property
    def enlargement(self) -> Literal["matlab", "pillow"]:
        """The bicubic enlargement that belongs to it, for networks that take the enlarged image."""
        return "matlab"

    @property
    def margin(self) -> int:
        """Pixels around a clean patch that its degraded pixels depend on (patches are cut with them, then trimmed)."""
        return 0

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Degraded:
        """(H, W, C) uint8 to (H / scale, W / scale, C), C 3 or 1 (gray); `image` stays as it is."""
        raise NotImplementedError


def enlargement_of(degradation: Degradation | None) -> Literal["matlab", "pillow"]:
    """The bicubic enlargement for networks that read the enlarged image; of pairs, as papers do it."""
    return "matlab" if degradation is None else degradation.enlargement


class SameSize(Degradation):
    """A degradation that keeps the size."""

    @property
    def scale(self) -> int:
        """Pixels of the original per pixel of the result, per side."""
        return 1


def draw(value: float | tuple[float, float], rng: np.random.Generator) -> float:
    """The value, or one from its range. Draws in either case, so that what follows does not depend on which it is."""
    unit = float(rng.random())
    return value[0] + unit * (value[1] - value[0]) if isinstance(value, tuple) else float(value)


def to_unit(image: Degraded) -> npt.NDArray[np.float32]:
    """Bytes to float32 on [0, 1]; floats as they are."""
    values = image.astype(np.float32)
    return values / np.float32(255) if image.dtype == np.uint8 else values


def to_bytes(image: npt.NDArray[np.float32]) -> Pixels:
    """[0, 1] to bytes: clipped, rounded to nearest (a half to even)."""
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
