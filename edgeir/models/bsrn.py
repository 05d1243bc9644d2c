"""BSRN (Li et al., CVPR Workshops 2022): blueprint separable convolutions, distilled features, two attentions.

Each block (ESDB) sends its features through three residual blueprint convolutions and takes a share off before each;
the shares are joined, and weighted by two attentions: ESA's (Liu et al., "Residual feature aggregation network", CVPR
2020), a map computed on a coarse grid, and a channel attention by contrast, standard deviation plus mean (IMDN, Hui et
al., ACM MM 2019). The outputs of all blocks are fused at the end.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.blocks.attention import ContrastAttention
from edgeir.models.blocks.blueprint import BlueprintConv
from edgeir.models.blocks.image_grid import GRID, continued, enlarged
from edgeir.models.config import Depth, NetworkConfig

__all__ = ["BSRN"]

_COPIES = 4
"""Times that the image is repeated along channels before the first convolution."""


class BSRNConfig(NetworkConfig):
    """Configuration of `BSRN`; the defaults have 352,400 parameters at x4."""

    kind: Literal["bsrn"] = "bsrn"
    scale: Literal[2, 3, 4] = 4
    channels: Annotated[int, Field(ge=4, le=4096, multiple_of=4)] = 64
    blocks: Depth = 8

    @property
    def facts(self) -> NetworkFacts:
        # Of the convolutions at full resolution; the attentions read the whole image.
        return NetworkFacts(
            scale=self.scale,
            receptive_radius=4 * self.blocks + 3,
            global_operations=("channel attention", GRID),
        )

    def build(self) -> BSRN:
        return BSRN(self)


class EnhancedSpatialAttention(nn.Module):
    """ESA: (N, C, H, W) -> the same, times a factor in [0, 1] for every value, from a grid of cells of 6 pixels."""

    least_side = 15
    """Of the image: a 3x3 with stride 2 and a 7x7 pooling behind it, both without padding."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.entry = nn.Conv2d(channels, hidden, 1)
        self.skip = nn.Conv2d(hidden, hidden, 1)
        self.shrink = BlueprintConv(hidden, hidden, stride=2, padding=0)
        self.coarse = nn.ModuleList(BlueprintConv(hidden, hidden) for _ in range(3))
        self.exit = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        entry = self.entry(x)
        coarse = F.max_pool2d(self.shrink(continued(entry, self.least_side)), 7, stride=3)
        first, second, third = self.coarse
        coarse = third(F.gelu(second(F.gelu(first(coarse)))))
        return x * torch.sigmoid(self.exit(enlarged(coarse, x) + self.skip(entry)))


class Block(nn.Module):
    """ESDB: three steps that each take a share off and refine the rest, the shares joined, two attentions, + input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        share = channels // 2
        self.shares = nn.ModuleList(nn.Conv2d(channels, share, 1) for _ in range(3))
        self.refine = nn.ModuleList(BlueprintConv(channels, channels) for _ in range(3))
        self.last = BlueprintConv(channels, share)
        self.join = nn.Conv2d(4 * share, channels, 1)
        self.spatial = EnhancedSpatialAttention(channels, channels // 4)
        self.channel = ContrastAttention(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features, shares = x, []
        for share, refine in zip(self.shares, self.refine, strict=True):
            shares.append(F.gelu(share(features)))
            features = F.gelu(refine(features) + features)
        shares.append(F.gelu(self.last(features)))
        out: torch.Tensor = self.channel(self.spatial(self.join(torch.cat(shares, 1)))) + x
        return out


class BSRN(Network):
    """(N, 3, h, w) -> (N, 3, s·h, s·w), not clipped."""

    least_side = EnhancedSpatialAttention.least_side

    def __init__(self, config: BSRNConfig) -> None:
        super().__init__()
        self.config: BSRNConfig = config
        width = config.channels
        self.head = BlueprintConv(3 * _COPIES, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(config.blocks))
        self.fuse = nn.Conv2d(config.blocks * width, width, 1)
        self.body = BlueprintConv(width, width)
        self.tail = nn.Conv2d(width, 3 * config.scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(config.scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        head = self.head(torch.cat([x] * _COPIES, 1))
        features, outputs = head, []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        fused = self.body(F.gelu(self.fuse(torch.cat(outputs, 1))))
        out: torch.Tensor = self.shuffle(self.tail(fused + head))
        return out

    def taps(self) -> dict[str, nn.Module]:
        return {
            "head": self.head,
            **{f"block.{index}": block for index, block in enumerate(self.blocks)},
            "body": self.body,
        }
