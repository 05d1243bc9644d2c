"""The loss of detail by a shorter focal length: synthetic pairs in place of RealSR's.

RealSR photographs a scene at two focal lengths and registers both to one size, so that the network sharpens without
enlarging. Where its pairs are not at hand: the image blurred, shrunk, its noise added, and enlarged again.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from edgeir.data.degrade.base import BlurSigma, NoiseSigma, Pixels, SameSize
from edgeir.data.degrade.unknown import Unknown
from edgeir.imaging.resize import upscale

__all__ = ["Zoom"]


class Zoom(SameSize):
    """`Unknown`, enlarged to the size that the image had. The strengths are a choice of this project."""

    kind: Literal["zoom"] = "zoom"
    zoom: int = Field(4, ge=2, le=4)
    """Ratio of the focal lengths."""
    blur_sigma: BlurSigma = (0.2, 2.0)
    """Of the optics, in pixels of the original, or a range; what `zoom` takes comes on top."""
    noise_sigma: NoiseSigma = (0.0, 3.0)
    """Of the shrunk image, on the 0-255 scale, or a range."""

    @property
    def margin(self) -> int:
        return self._unknown.margin + 2 * self.zoom  # bicubic enlargement reads two pixels on each side

    @property
    def _unknown(self) -> Unknown:
        return Unknown(scale=self.zoom, blur_sigma=self.blur_sigma, noise_sigma=self.noise_sigma)

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        height, width = image.shape[:2]
        whole = np.pad(image, ((0, -height % self.zoom), (0, -width % self.zoom), (0, 0)), mode="edge")
        return np.ascontiguousarray(upscale(self._unknown.degrade(whole, rng), self.zoom)[:height, :width])
