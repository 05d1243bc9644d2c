"""Gaussian blur, then Gaussian noise, then JPEG: the tail that the hybrid protocol, heavy rain and DID-HY share."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeir.data.degrade.base import BlurSigma, NoiseSigma, Pixels, SameSize, draw, to_bytes, to_unit
from edgeir.data.degrade.blur import gaussian_blur
from edgeir.data.degrade.jpeg import Quality, compress, draw_quality

__all__ = ["KERNEL_SIZE", "BlurNoiseJPEG", "apply_blur_noise_jpeg"]

KERNEL_SIZE = 21
"""Of the blur, in pixels (RL-Restore's protocol)."""


class BlurNoiseJPEG(SameSize):
    """The three in a row, each of a strength of its own.

    FDR-Net (section 4.1) adds them to the rainy images of DID-MDN and calls the set DID-HY; it names no strengths.
    The defaults span those of the hybrid protocol, which couples them instead (`Hybrid`).
    """

    kind: Literal["blur-noise-jpeg"] = "blur-noise-jpeg"
    blur_sigma: BlurSigma = (0.0, 5.0)
    """In pixels, or a range."""
    noise_sigma: NoiseSigma = (0.0, 50.0)
    """On the 0-255 scale, or a range."""
    jpeg_quality: Quality | None = (10, 100)
    """libjpeg's quality, or a range; None does not compress."""

    @property
    def margin(self) -> int:
        return 0 if self.blur_sigma == 0 else KERNEL_SIZE // 2

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        blur, noise = draw(self.blur_sigma, rng), draw(self.noise_sigma, rng)
        return apply_blur_noise_jpeg(to_unit(image), blur, noise, self.jpeg_quality, rng)


def apply_blur_noise_jpeg(
    image: npt.NDArray[np.float32],
    blur: float,
    noise: float,
    quality: Quality | None,
    rng: np.random.Generator,
) -> Pixels:
    """Blur, add noise, round to bytes, compress.

    Args:
        image: (H, W, C) float32 on [0, 1]. blur: sigma in pixels. noise: sigma on the 0-255 scale.
        quality: of the JPEG, or a range that is drawn from last; None does not compress.

    Returns:
        (H, W, C) uint8.
    """
    degraded = gaussian_blur(image, blur, KERNEL_SIZE)
    if noise:
        degraded = degraded + np.float32(noise / 255) * rng.standard_normal(degraded.shape, np.float32)
    result = to_bytes(degraded)
    return result if quality is None else compress(result, draw_quality(quality, rng))
