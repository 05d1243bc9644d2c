"""Rain streaks, alone or followed by blur, noise and JPEG, for images without rain of their own."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy import ndimage

from edgeir.data.degrade.base import BlurSigma, NoiseSigma, Pixels, Range, SameSize, at_most, draw, to_unit
from edgeir.data.degrade.blur_noise_jpeg import KERNEL_SIZE, apply_blur_noise_jpeg
from edgeir.data.degrade.jpeg import Quality

__all__ = ["Rain", "rain_streaks"]


class Rain(SameSize):
    """Add bright streaks; then, where asked for, blur, noise and JPEG in that order, as in DID-HY."""

    kind: Literal["rain"] = "rain"
    density: Annotated[Range, at_most(1)] = (0.002, 0.01)
    """Drops per pixel, or a range."""
    length: Annotated[Range, at_most(200)] = (10.0, 30.0)
    """Length of a streak in pixels, or a range."""
    angle: float = Field(30.0, ge=0, le=80)
    """Largest deviation from the vertical in degrees; each image draws one direction."""
    brightness: Annotated[Range, at_most(1)] = (0.5, 0.9)
    """Of a streak's core on [0, 1], or a range."""
    blur_sigma: BlurSigma = 0.0
    noise_sigma: NoiseSigma = 0.0
    """On the 0-255 scale."""
    jpeg_quality: Quality | None = None
    """libjpeg's quality, or a range; None does not compress."""

    @property
    def margin(self) -> int:
        return 0 if self.blur_sigma == 0 else KERNEL_SIZE // 2

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        density, length, brightness = (draw(v, rng) for v in (self.density, self.length, self.brightness))
        angle = rng.uniform(-self.angle, self.angle)
        blur, noise = draw(self.blur_sigma, rng), draw(self.noise_sigma, rng)
        streaks = rain_streaks(image.shape[0], image.shape[1], density, length, angle, rng)
        rainy = to_unit(image) + np.float32(brightness) * streaks[:, :, None]
        return apply_blur_noise_jpeg(np.clip(rainy, 0, 1), blur, noise, self.jpeg_quality, rng)


def rain_streaks(
    height: int, width: int, density: float, length: float, angle: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """A layer of streaks, (H, W) float32 on [0, 1]: random drops smeared along one direction.

    Args:
        density: drops per pixel. length: in pixels. angle: degrees from the vertical.
    """
    drops = (rng.random((height, width)) < density) * rng.uniform(0.4, 1.0, (height, width))
    reach = max(1, round(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for step in np.linspace(-reach, reach, 4 * reach + 1):  # an antialiased line through the centre
        row, column = reach + step * np.cos(np.deg2rad(angle)), reach + step * np.sin(np.deg2rad(angle))
        top, left = int(np.floor(row)), int(np.floor(column))
        for y, x in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
            if 0 <= y <= 2 * reach and 0 <= x <= 2 * reach:
                kernel[y, x] += (1 - abs(row - y)) * (1 - abs(column - x))
    kernel /= kernel.max()
    layer: npt.NDArray[np.float32] = np.clip(ndimage.convolve(drops, kernel, mode="wrap"), 0, 1)
    return layer.astype(np.float32)
