"""Photographs as people have them: small, soft, noisy, compressed by the phone and again by a messenger.

The chain of `edgeir.data.degrade.camera`, widened for super-resolution: optics, a camera that samples at its own size,
noise in linear light, the phone's JPEG; then, for a part of the images, a messenger that shrinks the file once more and
compresses it again. The kind of model is that of second-order degradations (Wang et al., *Real-ESRGAN*, ICCVW 2021,
section 3), with strengths of phones and messengers. The kernels of the shrinking differ between devices and
are drawn. `clean` images are shrunk bicubically alone, so that a network learns to leave good photographs as they are.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from edgeir.data.degrade.base import BlurSigma, Degradation, Pixels, Range, at_most, draw, to_bytes, to_unit
from edgeir.data.degrade.blur import gaussian_blur
from edgeir.data.degrade.camera import PhoneCamera
from edgeir.data.degrade.jpeg import Quality, compress, draw_quality
from edgeir.imaging.resize import downscale

__all__ = ["SharedPhoto"]

_RADIUS = 12
"""Of the blur's kernel, in pixels of the original: three deviations of the widest by default."""
_FILTERS = (
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)


class SharedPhoto(Degradation):
    """A clean photograph, shrunk by `scale`, as a phone took it and people sent it on. Colours and tone stay."""

    kind: Literal["shared-photo"] = "shared-photo"
    scale: int = Field(4, ge=2, le=4)
    """Pixels of the original per pixel of the result, per side."""
    clean: float = Field(0.2, ge=0, le=1)
    """Share of the images that are only shrunk, bicubically."""
    blur_sigma: BlurSigma = (0.0, 4.0)
    """Optics and focus, in pixels of the original, or a range."""
    shot: Annotated[Range, at_most(1)] = (0.0, 0.004)
    """Variance of the photon noise per unit of linear light, or a range."""
    read: Annotated[Range, at_most(1)] = (0.0, 0.008)
    """Standard deviation of the read noise in linear light, or a range."""
    demosaic: float = Field(0.5, ge=0, le=1)
    """Share of the images with a Bayer mosaic that is not shrunk away: softer colour, noise that spreads."""
    quality: Quality = (50, 95)
    """Of the camera's JPEG, or a range."""
    sent: float = Field(0.5, ge=0, le=1)
    """Share of the images that a messenger shrinks and compresses again."""
    shrunk: Annotated[Range, at_most(4)] = (1.0, 2.0)
    """How much a messenger shrinks, or a range; 1 = only compressed again."""
    sent_quality: Quality = (40, 85)
    """Of the messenger's JPEG, or a range."""

    @property
    def margin(self) -> int:
        return 6 * self.scale  # blur, the resizing kernels, and the blocks of JPEG near the border

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        height, width = (side // self.scale for side in image.shape[:2])
        if rng.random() < self.clean:
            return downscale(image, self.scale)
        blur, shrunk = draw(self.blur_sigma, rng), draw(self.shrunk, rng)
        sent, demosaic = rng.random() < self.sent, rng.random() < self.demosaic
        # A camera has no more pixels than the original.
        taken = min(self.scale, max(1.0, shrunk)) if sent else 1.0
        soft = to_bytes(gaussian_blur(to_unit(image), blur, 2 * _RADIUS + 1))
        camera = PhoneCamera(
            blur_sigma=0.0,
            shot=self.shot,
            read=self.read,
            demosaic=demosaic,
            tone=1.0,
            cast=0.0,
            quality=self.quality,
        )
        photo = camera.degrade(_shrink(soft, round(height * taken), round(width * taken), rng), rng)
        if not sent:
            return photo
        return compress(_shrink(photo, height, width, rng), draw_quality(self.sent_quality, rng))


def _shrink(image: Pixels, height: int, width: int, rng: np.random.Generator) -> Pixels:
    """To a size, with one of the kernels that programs use."""
    kernel = _FILTERS[int(rng.integers(len(_FILTERS)))]
    if image.shape[:2] == (height, width):
        return image
    plain = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    return np.asarray(plain.resize((width, height), kernel)).reshape(height, width, image.shape[2])
