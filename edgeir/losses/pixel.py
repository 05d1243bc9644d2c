"""Per-pixel losses: mean absolute error, mean squared error, Charbonnier.

All are means over every element of (N, C, H, W) tensors on the [0, 1] scale; `weight` multiplies them. A paper
that states its loss on the 0-255 scale needs ``weight: 255`` for L1 (PPCN eq. 3) and 255² for L2.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from edgeir.core.config import Config

__all__ = ["L1", "L2", "Charbonnier"]


class L1(Config):
    """Mean absolute error (PPCN eq. 3)."""

    kind: Literal["l1"] = "l1"
    weight: float = Field(1.0, gt=0)

    def build(self) -> nn.Module:
        return nn.L1Loss()


class L2(Config):
    """Mean squared error."""

    kind: Literal["l2"] = "l2"
    weight: float = Field(1.0, gt=0)

    def build(self) -> nn.Module:
        return nn.MSELoss()


class Charbonnier(Config):
    """Mean of sqrt(d² + eps²) - eps: L1 with a rounded tip (zero for equal images)."""

    kind: Literal["charbonnier"] = "charbonnier"
    weight: float = Field(1.0, gt=0)
    epsilon: float = Field(1e-3, gt=0)
    """Width of the rounded tip, on the [0, 1] scale."""

    def build(self) -> nn.Module:
        return CharbonnierLoss(self.epsilon)


class CharbonnierLoss(nn.Module):
    """See `Charbonnier`."""

    def __init__(self, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        squared = F.mse_loss(prediction, target, reduction="none")
        return (squared + self.epsilon**2).sqrt().mean() - self.epsilon
