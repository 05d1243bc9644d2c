"""The "unknown" degradation of STFT's x4 experiments: blur, shrink and noise of undisclosed strengths."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from edgeir.data.degrade.base import BlurSigma, Degradation, NoiseSigma, Pixels, draw, to_bytes, to_unit
from edgeir.data.degrade.blur import gaussian_blur
from edgeir.imaging.resize import downscale

__all__ = ["Unknown"]

_RADIUS = 10


class Unknown(Degradation):
    """Gaussian blur at full size, bicubic shrinking, clipped Gaussian noise at the small size.

    The paper names no strengths; the defaults are moderate ones, similar to NTIRE's difficult track.
    """

    kind: Literal["unknown"] = "unknown"
    scale: int = Field(4, ge=2, le=4)
    """Pixels of the original per pixel of the result, per side."""
    blur_sigma: BlurSigma = (0.2, 3.0)
    """In pixels of the original, or a range."""
    noise_sigma: NoiseSigma = (0.0, 10.0)
    """On the 0-255 scale, or a range."""

    @property
    def margin(self) -> int:
        return -(-(_RADIUS + 2 * self.scale) // self.scale) * self.scale  # whole pixels of the result

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        blur, noise = draw(self.blur_sigma, rng), draw(self.noise_sigma, rng)
        small = downscale(to_bytes(gaussian_blur(to_unit(image), blur, 2 * _RADIUS + 1)), self.scale)
        return to_bytes(
            to_unit(small) + np.float32(noise / 255) * rng.standard_normal(small.shape, np.float32)
        )
