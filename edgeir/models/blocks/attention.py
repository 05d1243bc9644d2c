"""Attention: squeeze-and-excitation over channels (RCAN, DANet, FDR-Net), by contrast (IMDN, BSRN), CBAM's over pixels,
and both (DANet)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from edgeir.models.blocks.global_statistics import Folding, ImageMean

__all__ = ["ChannelAttention", "ContrastAttention", "DualAttention", "SpatialAttention"]


class ChannelAttention(Folding):
    """x · sigmoid(W₂ relu(W₁ mean(x))): one factor per channel and image. Reads the whole image.

    Args:
        channels: of the input. reduction: the hidden layer has channels / reduction, at least one.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.mean = ImageMean("channel attention", only_scales=True)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)
        self.factors: torch.Tensor | None
        self.register_buffer("factors", None, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * (self.factors_for(self.mean(x)) if self.factors is None else self.factors)

    def factors_for(self, mean: torch.Tensor) -> torch.Tensor:
        """The factors, for the means of the channels, both (N, C, 1, 1)."""
        return torch.sigmoid(self.excite(F.relu(self.squeeze(mean))))

    def fold(self) -> None:
        """Keep only the factors."""
        if self.mean.mean is not None:
            self.factors = self.factors_for(self.mean.mean).detach()
            del self.mean, self.squeeze, self.excite


class ContrastAttention(nn.Module):
    """x · sigmoid(W₂ relu(W₁ (std(x) + mean(x)))), one factor per channel and image (CCA of IMDN).

    Reads the whole image.

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
        centred = x - mean
        # The root's gradient is infinite at zero, where a channel is flat.
        deviation = torch.sqrt((centred * centred).mean((2, 3), keepdim=True) + 1e-12)
        return x * torch.sigmoid(self.excite(F.relu(self.squeeze(deviation + mean))))


class SpatialAttention(nn.Module):
    """CBAM's (Woo et al. 2018): x · sigmoid(conv7x7([mean over channels, max over channels])), one factor per pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.conv(summary))


class DualAttention(nn.Module):
    """DANet's: channel and spatial attention side by side, concatenated, 1x1 back to the width."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.channel = ChannelAttention(channels, reduction)
        self.spatial = SpatialAttention()
        self.fuse = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.fuse(torch.cat([self.channel(x), self.spatial(x)], 1))
        return out
