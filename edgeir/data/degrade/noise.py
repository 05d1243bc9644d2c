"""Additive white Gaussian noise (DnCNN, DANet, STFT and the denoising papers before them)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from edgeir.data.degrade.base import Degraded, NoiseSigma, Pixels, SameSize, draw, to_bytes, to_unit

__all__ = ["AWGN"]


class AWGN(SameSize):
    """Add independent N(0, sigma²) to every value.

    `clip` is a choice that changes every figure: published denoising results add noise to floats and leave values
    outside [0, 1] as they are (noisy PSNR at sigma 25: 20.17 dB); a file or a camera clips and rounds them (20.3 to
    20.6 dB, depending on the images).
    """

    kind: Literal["awgn"] = "awgn"
    sigma: NoiseSigma = 25.0
    """Standard deviation on the 0-255 scale, or a range (drawn per image)."""
    clip: bool = False
    """Clip to [0, 255] and round, as a file would hold it."""
    gray: bool = False
    """The same noise in the three colours, for gray images kept as RGB."""
    noise_map: bool = False
    """Append a plane that holds sigma on the [0, 1] scale, for a network that takes the noise level (FFDNet)."""

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Degraded:
        sigma = draw(self.sigma, rng) / 255
        shape = (*image.shape[:2], 1 if self.gray else image.shape[2])
        noisy = to_unit(image) + np.float32(sigma) * rng.standard_normal(shape, np.float32)
        if self.noise_map:
            known = np.full((*image.shape[:2], 1), sigma, np.float32)
            return np.concatenate([to_unit(to_bytes(noisy)) if self.clip else noisy, known], axis=2)
        return to_bytes(noisy) if self.clip else noisy
