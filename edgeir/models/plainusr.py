"""PlainUSR (Wang et al., ACCV 2024) in its reparametrised form: plain 3x3 convolutions, gated by a coarse attention.

A block changes the first channels only, in other numbers from block to block, and the others pass by; its output
replaces what it read. The defaults are PlainUSR-L. What the paper leaves to the authors' code
(github.com/icandle/PlainUSR) is as there: published weights compute the same (`edgeir import`). The authors' training
form, with several branches, is not here.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.blocks.image_grid import GRID, continued, enlarged
from edgeir.models.config import NetworkConfig, Width

__all__ = ["PlainUSR"]

_CARRIED = 3
"""Channels beyond the features, which carry the image."""
_SLOPE = 0.05
_HIDDEN = 16


class PlainUSRConfig(NetworkConfig):
    """Configuration of `PlainUSR`; the defaults are PlainUSR-L, 734,004 parameters at x4."""

    kind: Literal["plainusr"] = "plainusr"
    scale: Literal[2, 3, 4] = 4
    channels: Width = 80
    """Features, beside the three channels that carry the image."""
    widths: tuple[Width, ...] = Field((80, 64, 48, 64, 80), min_length=1, max_length=100)
    """Channels that each block changes, at most `channels`."""

    @model_validator(mode="after")
    def _no_wider(self) -> PlainUSRConfig:
        if max(self.widths) > self.channels:
            raise ValueError(f"`widths` has {max(self.widths)}, more than `channels` ({self.channels})")
        return self

    @property
    def facts(self) -> NetworkFacts:
        # Of the convolutions at full resolution; what passes through the attention's grid is global.
        return NetworkFacts(
            scale=self.scale, receptive_radius=3 * len(self.widths) + 2, global_operations=(GRID,)
        )

    def build(self) -> PlainUSR:
        return PlainUSR(self)


class ImportanceAttention(nn.Module):
    """x times a map from a grid of cells of 6 pixels, times a gate: the sigmoid of its own first channel."""

    least_side = 7
    """Of the image: a 7x7 pooling without padding."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.entry = nn.Conv2d(channels, _HIDDEN, 1)
        self.shrink = nn.Conv2d(_HIDDEN, _HIDDEN, 3, stride=2, padding=1)
        self.exit = nn.Conv2d(_HIDDEN, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        coarse = _soft_pooling(continued(self.entry(x), self.least_side))
        weights = enlarged(torch.sigmoid(self.exit(self.shrink(coarse))), x)
        return x * weights * torch.sigmoid(x[:, :1])


class Block(nn.Module):
    """Three 3x3 convolutions with leaky ReLU between, and the attention; no skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3))
        self.attention = ImportanceAttention(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, second, third = self.convs
        x = third(F.leaky_relu(second(F.leaky_relu(first(x), _SLOPE)), _SLOPE))
        out: torch.Tensor = self.attention(x)
        return out


class PlainUSR(Network):
    """(N, 3, h, w) -> (N, 3, s·h, s·w), not clipped."""

    least_side = ImportanceAttention.least_side

    def __init__(self, config: PlainUSRConfig) -> None:
        super().__init__()
        self.config: PlainUSRConfig = config
        width = config.channels + _CARRIED
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(changed) for changed in config.widths)
        self.tail = nn.Conv2d(width, 3 * config.scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(config.scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.head(x)
        total = features.shape[1]
        for block, changed in zip(self.blocks, self.config.widths, strict=True):
            given, others = torch.split(features, [changed, total - changed], 1)
            features = torch.cat([block(given), others], 1)
        out: torch.Tensor = self.shuffle(self.tail(features))
        return out

    def taps(self) -> dict[str, nn.Module]:
        return {"head": self.head, **{f"block.{index}": block for index, block in enumerate(self.blocks)}}


def _soft_pooling(x: torch.Tensor) -> torch.Tensor:
    """7x7, stride 3: the mean of every window weighted by the exponential of its values."""
    weights = torch.exp(x)
    return F.avg_pool2d(weights * x, 7, stride=3) / F.avg_pool2d(weights, 7, stride=3)
