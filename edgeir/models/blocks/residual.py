"""The residual block without normalisation (EDSR), which FDR-Net uses too."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["ResidualBlock"]


class ResidualBlock(nn.Module):
    """3x3 ReLU 3x3, scaled, + input."""

    def __init__(self, channels: int, scale: float = 1.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.scale = scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.conv2(F.relu(self.conv1(x)))
        return x + (change if self.scale == 1 else change * self.scale)
