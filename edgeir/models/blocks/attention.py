"""Channel attention: squeeze-and-excitation (Hu et al. 2018), as RCAN, DANet and FDR-Net use it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["ChannelAttention"]


class ChannelAttention(nn.Module):
    """x · sigmoid(W₂ relu(W₁ mean(x))): one factor per channel and picture. Reads the whole picture.

    Args:
        channels: of the input. reduction: the hidden layer has channels / reduction, at least one.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.excite(F.relu(self.squeeze(mean))))
