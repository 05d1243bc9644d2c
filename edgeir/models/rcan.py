"""RCAN (Zhang et al., ECCV 2018): residual groups of residual channel-attention blocks.

STFT (section 3.2) uses a small one, 4 groups of 5 blocks: 1.97 M parameters at x4. Its channel attention reads the
whole image, so that tiles change the result.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.blocks.attention import ChannelAttention
from edgeir.models.blocks.upscaler import FRAME_REACH, ResidualUpscaler
from edgeir.models.config import Depth, NetworkConfig, Width

__all__ = ["RCAN"]


class RCANConfig(NetworkConfig):
    """Configuration of `RCAN`."""

    kind: Literal["rcan"] = "rcan"
    scale: Literal[1, 2, 3, 4] = 4
    """1 leaves the size as it is (STFT's extractor)."""
    channels: Width = 64
    groups: Depth = 4
    blocks: Depth = 5
    """Channel-attention blocks per group."""
    reduction: Width = 16

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(
            scale=self.scale,
            receptive_radius=self.groups * (2 * self.blocks + 1) + FRAME_REACH,
            global_operations=("channel attention",),
        )

    def build(self) -> RCAN:
        return RCAN(self)


class AttentionBlock(nn.Module):
    """RCAB: 3x3 ReLU 3x3, channel attention, + input."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.attention = ChannelAttention(channels, reduction)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x + self.attention(self.conv2(F.relu(self.conv1(x))))
        return out


class Group(nn.Module):
    """Blocks, a 3x3, + input."""

    def __init__(self, config: RCANConfig) -> None:
        super().__init__()
        width = config.channels
        self.blocks = nn.Sequential(*(AttentionBlock(width, config.reduction) for _ in range(config.blocks)))
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x + self.conv(self.blocks(x))
        return out


class RCAN(ResidualUpscaler):
    """(N, 3, h, w) -> (N, 3, s·h, s·w), not clipped."""

    def __init__(self, config: RCANConfig) -> None:
        super().__init__(
            config.channels,
            config.scale,
            [Group(config) for _ in range(config.groups)],
            unit="group",
        )
        self.config: RCANConfig = config
