"""The degradations of a phone's camera: optics, photon and read noise, demosaicing, tone and colour, JPEG.

The order is that of a camera: light is blurred and counted **in linear light**, then the image is rendered. That is
why its noise depends on brightness, is correlated between neighbours and colours, and is coloured by the white
balance, none of which holds for noise added to a finished image (order and noise model: Brooks et al.,
*Unprocessing images for learned raw denoising*, CVPR 2019).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy import ndimage

from edgeir.data.degrade.base import BlurSigma, Pixels, Range, SameSize, at_most, draw, to_bytes, to_unit
from edgeir.data.degrade.blur import gaussian_blur
from edgeir.data.degrade.jpeg import Quality, compress, draw_quality
from edgeir.imaging.luma import luma_of

__all__ = ["PhoneCamera", "linear_to_srgb", "srgb_to_linear"]

Floats = npt.NDArray[np.float32]


class PhoneCamera(SameSize):
    """A clean photograph as an older phone would have taken it."""

    kind: Literal["phone-camera"] = "phone-camera"
    blur_sigma: BlurSigma = (0.4, 1.2)
    """Optics and focus, in pixels, or a range."""
    shot: Annotated[Range, at_most(1)] = (0.0005, 0.006)
    """Variance of the photon noise per unit of linear light, or a range."""
    read: Annotated[Range, at_most(1)] = (0.0, 0.01)
    """Standard deviation of the read noise in linear light, or a range."""
    demosaic: bool = True
    """Sample a Bayer mosaic and interpolate it: softer colour, and noise that spreads to neighbours."""
    tone: Annotated[Range, at_most(10)] = (0.85, 1.15)
    """Exponent of the tone curve, or a range; 1 = as it is."""
    cast: float = Field(0.06, ge=0, lt=0.5)
    """Largest relative error of the red and blue gains (white balance)."""
    quality: Quality | None = (60, 95)
    """Of the JPEG, or a range; None = not compressed."""

    @property
    def margin(self) -> int:
        return 8  # blur and demosaicing; even, so that the mosaic keeps its phase

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        if image.shape[2] == 1:  # a camera sees colours
            return to_bytes(luma_of(to_unit(self.degrade(np.repeat(image, 3, axis=2), rng))))
        blur, shot, read, tone = (draw(v, rng) for v in (self.blur_sigma, self.shot, self.read, self.tone))
        gains = 1 + rng.uniform(-self.cast, self.cast, 3) * np.array([1, 0, 1])
        quality = None if self.quality is None else draw_quality(self.quality, rng)
        light = gaussian_blur(srgb_to_linear(to_unit(image)), blur, 13)
        deviation = np.sqrt(shot * np.clip(light, 0, None) + read**2)
        light = light + deviation.astype(np.float32) * rng.standard_normal(light.shape, np.float32)
        if self.demosaic:
            light = _demosaic(light)
        light = np.clip(light * gains.astype(np.float32), 0, 1) ** np.float32(tone)
        result = to_bytes(linear_to_srgb(light))
        return result if quality is None else compress(result, quality)


def srgb_to_linear(image: Floats) -> Floats:
    """IEC 61966-2-1, [0, 1] to [0, 1]."""
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4).astype(np.float32)


def linear_to_srgb(light: Floats) -> Floats:
    """IEC 61966-2-1, [0, 1] to [0, 1]."""
    safe = np.clip(light, 0.0031308, None)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * safe ** (1 / 2.4) - 0.055).astype(np.float32)


_GREEN = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4
_RED_BLUE = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 4


def _demosaic(light: Floats) -> Floats:
    """Keep one colour per pixel (RGGB) and interpolate the others bilinearly."""
    result = np.empty_like(light)
    rows, columns = np.mgrid[0 : light.shape[0], 0 : light.shape[1]]
    sites = (
        (rows % 2 == 0) & (columns % 2 == 0),
        rows % 2 != columns % 2,
        (rows % 2 == 1) & (columns % 2 == 1),
    )
    for colour, site in enumerate(sites):
        kernel = _GREEN if colour == 1 else _RED_BLUE
        # Weights of the samples that are there: also right at the border.
        weight = ndimage.convolve(site.astype(np.float32), kernel, mode="constant")
        values = ndimage.convolve(light[:, :, colour] * site, kernel, mode="constant")
        result[:, :, colour] = values / np.maximum(weight, 1e-6)
    return result
