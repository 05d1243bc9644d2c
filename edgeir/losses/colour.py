"""PPCN's colour loss (eqs. 9-10): squared error of the blurred images, which compares colour and brightness, not
texture.

As in the authors' configuration the blur is 21x21 and the sum of squares is divided by twice the batch, so that the
term grows with the image. The width of the blur has three readings:

- ``sigma: 3``, the default: the sigma that the paper names, in pixels.
- ``sigma: 1.732``: eq. 9 as printed, which has 3 where the variance stands; A = 0.053 = 1 / (2 pi 3) normalises that.
- ``sigma: 4.707``: the kernel that the authors' program computes from its 3. Its 21 bins lie between -3 1/6 and 3 1/6
  standard deviations, so that one deviation is 63/19 pixels, and the kernel is the square root of the outer product
  of the bins' probabilities, which makes it wider: a Gaussian of sqrt(2 ((63/19)² + 1/12)) pixels. Its centre tap is
  0.087 in one dimension, where sigma 3 has 0.133.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from edgeir.losses.base import ImageLoss

__all__ = ["Colour"]


class Colour(ImageLoss):
    """Sum of squared differences of the blurred images / (2 · batch), images on [0, 1]."""

    kind: Literal["colour"] = "colour"
    sigma: float = Field(3.0, ge=0.01, le=1000)
    """Of the blur, in pixels; 4.707 is the authors' kernel."""
    radius: int = Field(10, ge=1, le=100)
    """The kernel has 2 radius + 1 pixels a side; outside the image is zero."""

    def build(self) -> nn.Module:
        return ColourLoss(self.sigma, self.radius)


class ColourLoss(nn.Module):
    """See `Colour`."""

    window: torch.Tensor

    def __init__(self, sigma: float, radius: int) -> None:
        super().__init__()
        offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
        window = torch.exp(-(offsets**2) / (2 * sigma**2))
        self.register_buffer("window", window / window.sum(), persistent=False)

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        difference = prediction - target  # the blur is linear
        channels, radius = difference.shape[1], self.window.numel() // 2
        window = self.window.to(difference.dtype)
        rows = window.view(1, 1, -1, 1).expand(channels, 1, -1, 1)
        columns = window.view(1, 1, 1, -1).expand(channels, 1, 1, -1)
        blurred = F.conv2d(difference, rows, padding=(radius, 0), groups=channels)
        blurred = F.conv2d(blurred, columns, padding=(0, radius), groups=channels)
        return blurred.square().sum() / (2 * difference.shape[0])
