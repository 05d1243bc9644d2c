"""Gaussian blur with a kernel of fixed size (RL-Restore's protocol: 21x21, replicated border)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy import ndimage

from edgeir.data.degrade.base import BlurSigma, Pixels, SameSize, draw, to_bytes, to_unit

__all__ = ["GaussianBlur", "gaussian_blur"]


NARROWEST = 0.01
"""Sigma in pixels below which every weight but the middle one is 0 in float64, so that nothing is blurred."""


class GaussianBlur(SameSize):
    """Blur with a sampled, normalised Gaussian."""

    kind: Literal["gaussian-blur"] = "gaussian-blur"
    sigma: BlurSigma = (0.0, 5.0)
    """Standard deviation in pixels, or a range (drawn per image); 0 leaves the image as it is."""
    radius: int = Field(10, ge=0, le=100)
    """The kernel reaches this far: 2 radius + 1 pixels a side."""

    @property
    def margin(self) -> int:
        return self.radius

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        return to_bytes(gaussian_blur(to_unit(image), draw(self.sigma, rng), 2 * self.radius + 1))


def gaussian_blur(image: npt.NDArray[np.float32], sigma: float, size: int) -> npt.NDArray[np.float32]:
    """(H, W, C) float32, blurred along rows and columns; the border is replicated."""
    if sigma < NARROWEST:
        return image
    offsets = np.arange(size) - size // 2
    kernel = np.exp(-(offsets**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    rows = ndimage.correlate1d(image, kernel, axis=0, mode="nearest")
    blurred: npt.NDArray[np.float32] = ndimage.correlate1d(rows, kernel, axis=1, mode="nearest")
    return blurred
