"""SMFANet and SMFANet+ (Zheng et al., ECCV 2024): self-modulation feature aggregation, a light network of high quality.

Each block modulates the features twice:

- SMFA: the features' maxima on a grid of cells of 8 pixels (what is there) and their variance over the image (how much
  goes on) make a gate for the features themselves; beside it a local branch estimates details (`LocalDetail`).
- PCFN: a 1x1 to twice the channels, of which a quarter goes through a 3x3, and a 1x1 back.

Both read features whose vector at every pixel has length one. What the paper leaves to the authors' code
(github.com/Zheng-MJ/SMFANet) is as there: published weights compute the same (`edgeir import`). The variance is
unbiased there; of an image of one pixel, where it is not defined, it is zero here.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.blocks.image_grid import GRID, grid_maximum, is_open, sides, spread
from edgeir.models.config import Depth, NetworkConfig

__all__ = ["SMFANet"]

CELL = 8
"""Side in pixels of a cell of the grid."""


class SMFANetConfig(NetworkConfig):
    """Configuration of `SMFANet`; the defaults are SMFANet (197,328 parameters at x4), SMFANet+ has 48 channels and 12
    blocks (495,888)."""

    kind: Literal["smfanet"] = "smfanet"
    scale: Literal[2, 3, 4] = 4
    channels: Annotated[int, Field(ge=2, le=4096, multiple_of=2)] = 36
    blocks: Depth = 8

    @property
    def facts(self) -> NetworkFacts:
        # Of the convolutions at full resolution; what passes through the grid and the variance is global.
        return NetworkFacts(
            scale=self.scale,
            receptive_radius=2 * self.blocks + 2,
            global_operations=("image variance", GRID),
        )

    def build(self) -> SMFANet:
        return SMFANet(self)


class LocalDetail(nn.Module):
    """LDE: depthwise 3x3 to twice the channels, 1x1, GELU, 1x1 back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, 2 * channels, 3, padding=1, groups=channels)
        self.mix = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.project = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.project(F.gelu(self.mix(self.depthwise(x))))
        return out


class Modulation(nn.Module):
    """SMFA: (N, C, H, W) -> the same. Reads the whole image."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.split = nn.Conv2d(channels, 2 * channels, 1)
        self.coarse = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.coarse_weight = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.variance_weight = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.gate = nn.Conv2d(channels, channels, 1)
        self.local = LocalDetail(channels)
        self.join = nn.Conv2d(channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        local, whole = self.split(x).chunk(2, 1)
        coarse = self.coarse(grid_maximum(whole, CELL))
        gate = F.gelu(self.gate(coarse * self.coarse_weight + _variance(whole) * self.variance_weight))
        out: torch.Tensor = self.join(whole * spread(gate, whole, CELL) + self.local(local))
        return out


class PartialFeedForward(nn.Module):
    """PCFN: 1x1 to twice the channels, GELU, 3x3 and GELU of the first quarter, 1x1 back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        part = channels // 2
        self.sizes = [part, 2 * channels - part]
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.spatial = nn.Conv2d(part, part, 3, padding=1)
        self.project = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, others = torch.split(F.gelu(self.expand(x)), self.sizes, 1)
        out: torch.Tensor = self.project(torch.cat([F.gelu(self.spatial(first)), others], 1))
        return out


class Block(nn.Module):
    """Modulation and feed-forward, each on normalised features and with a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.modulation = Modulation(channels)
        self.feed_forward = PartialFeedForward(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.modulation(_unit(x))
        out: torch.Tensor = x + self.feed_forward(_unit(x))
        return out


class SMFANet(Network):
    """(N, 3, h, w) -> (N, 3, s·h, s·w), not clipped."""

    least_side = cell = CELL

    def __init__(self, config: SMFANetConfig) -> None:
        super().__init__()
        self.config: SMFANetConfig = config
        width = config.channels
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.blocks = nn.ModuleList(Block(width) for _ in range(config.blocks))
        self.tail = nn.Conv2d(width, 3 * config.scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(config.scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        head = self.head(x)
        features = head
        for block in self.blocks:
            features = block(features)
        out: torch.Tensor = self.shuffle(self.tail(features + head))
        return out

    def taps(self) -> dict[str, nn.Module]:
        return {"head": self.head, **{f"block.{index}": block for index, block in enumerate(self.blocks)}}


def _unit(x: torch.Tensor) -> torch.Tensor:
    """Every pixel's vector of channels with length one (the authors take at least 1e-12 for the length)."""
    return x / torch.sqrt((x * x).mean(1, keepdim=True) * x.shape[1] + 1e-24)


def _variance(x: torch.Tensor) -> torch.Tensor:
    """Of every channel over the image, unbiased: (N, C, H, W) -> (N, C, 1, 1); in operations that every target has."""
    centred = x - x.mean((2, 3), keepdim=True)
    variance = (centred * centred).mean((2, 3), keepdim=True)
    height, width = sides(x)
    pixels = height * width
    return variance * (pixels / (pixels - 1 if is_open(pixels) else max(pixels - 1, 1)))
