"""Bicubic shrinking, the standard super-resolution degradation, in the flavours of `edgeir.imaging.resize`."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgeir.data.degrade.base import Degradation
from edgeir.imaging.resize import Flavour, downscale, resize, upscale

__all__ = ["Bicubic", "Flavour", "downscale", "resize", "upscale"]

Pixels = npt.NDArray[np.uint8]


class Bicubic(Degradation):
    """Shrink by `scale` with bicubic interpolation: the standard super-resolution degradation."""

    kind: Literal["bicubic"] = "bicubic"
    scale: int = Field(4, ge=2, le=4)
    """Pixels of the original per pixel of the result, per side."""
    flavour: Flavour = "matlab"

    @property
    def random(self) -> bool:
        return False

    @property
    def enlargement(self) -> Flavour:
        return self.flavour

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        return downscale(image, self.scale, self.flavour)
