"""Per-pixel losses: mean absolute error, mean squared error, Charbonnier.

All are means over every element of (N, C, H, W) tensors on the [0, 1] scale; `weight` multiplies them. A paper
that states its loss on the 0-255 scale needs ``weight: 255`` for L1 (PPCN eq. 3) and 255² for L2. Where a paper prints
a norm summed over an image (PPCN eq. 3, DANet eq. 1), the mean is that sum over the number of its values.

`luma` moves a share of the loss from the three colours to their luma (BT.601: 0.299 R + 0.587 G + 0.114 B), which is
what super-resolution papers measure and what the eye resolves: 0 is the plain loss on RGB, 1 the loss on luma alone
(which leaves the colour differences unconstrained).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field
from torch import nn

from edgeir.imaging.luma import LUMA
from edgeir.losses.base import ImageLoss

__all__ = ["L1", "L2", "Charbonnier", "PixelLoss"]


class L1(ImageLoss):
    """Mean absolute error: PPCN eq. 3, the image loss of STFT (eq. 5) and FDR-Net (eq. 8)."""

    kind: Literal["l1"] = "l1"
    luma: float = Field(0.0, ge=0, le=1)
    """Share of the loss that is measured on luma."""

    def build(self) -> PixelLoss:
        return PixelLoss(torch.abs, self.luma)


class L2(ImageLoss):
    """Mean squared error: DANet eq. 1, L_D in eq. 1 of "When Image Denoising Meets High-Level Vision Tasks"."""

    kind: Literal["l2"] = "l2"
    luma: float = Field(0.0, ge=0, le=1)
    """Share of the loss that is measured on luma."""

    def build(self) -> PixelLoss:
        return PixelLoss(torch.square, self.luma)


class Charbonnier(ImageLoss):
    """Mean of sqrt(d² + eps²) - eps: L1 with a rounded tip (zero for equal images)."""

    kind: Literal["charbonnier"] = "charbonnier"
    luma: float = Field(0.0, ge=0, le=1)
    """Share of the loss that is measured on luma."""
    epsilon: float = Field(1e-3, ge=1e-6, le=1000)
    """Width of the rounded tip, on the [0, 1] scale."""

    def build(self) -> PixelLoss:
        epsilon = self.epsilon
        return PixelLoss(lambda d: (d.square() + epsilon**2).sqrt() - epsilon, self.luma)


class PixelLoss(nn.Module):
    """Mean of `distance` over the difference of two images, a share of it over the difference of their luma.

    Args:
        distance: elementwise, of a difference.
        luma: share in [0, 1] of the loss on luma; anything above 0 needs images of three channels.
    """

    def __init__(self, distance: Callable[[torch.Tensor], torch.Tensor], luma: float = 0.0) -> None:
        super().__init__()
        self._distance, self._share = distance, luma

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        difference = prediction - target
        loss = self._distance(difference).mean()
        if not self._share:
            return loss
        luma = torch.einsum("nchw,c->nhw", difference, difference.new_tensor(LUMA))
        return torch.lerp(loss, self._distance(luma).mean(), self._share)
