"""FDR-Net (Li et al., "Learning Disentangled Feature Representation for Hybrid-distorted Image Restoration", ECCV
2020).

Each of six phases has two branches. The lower one spreads the distortions over channels (feature disentanglement
module, three times convolution + gain control, eqs. 3-4), processes them, and gathers the content again (feature
aggregation module, three times channel attention + inverse gain control + convolution, eqs. 6-7) with a skip from
each FD layer to the FA layer that undoes it. The upper, auxiliary one is plain residual blocks. Concatenation,
channel attention and a 1x1 fuse both (section 3.4-3.5, Fig. 5).

The paper does not give the block counts; these (7 residual blocks in the process module, 4 in the auxiliary branch)
were fitted to its Table 5: 1,667,807 parameters (1.66 M), 1,629,791 without gain control (1.62 M), 1,215,251 without
the auxiliary branch (1.21 M). The dual residual is read as: lower input of the next phase = fused + lower input,
upper input = fused + auxiliary output. The FD -> FA skip is an addition. SVDO (eq. 5) reads the taps
``phase.N.disentangle``.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.blocks.attention import ChannelAttention
from edgeir.models.blocks.gain_control import GainControl
from edgeir.models.blocks.residual import ResidualBlock
from edgeir.models.config import Depth, NetworkConfig, Width

__all__ = ["FDRNet"]


class FDRNetConfig(NetworkConfig):
    """Configuration of `FDRNet`."""

    kind: Literal["fdr-net"] = "fdr-net"
    scale: Literal[1] = 1
    channels: Width = 32
    phases: Depth = 6
    layers: Depth = 3
    """FD layers, and as many FA layers, per phase (Table 6)."""
    process_blocks: int = Field(7, ge=0, le=1000)
    auxiliary_blocks: Depth = 4
    disentangle: bool = True
    """False: without gain control and its inverse (the ablation of Table 5)."""
    auxiliary: bool = True
    """False: without the auxiliary branch (the ablation of Table 5)."""

    @property
    def facts(self) -> NetworkFacts:
        per_phase = 2 * self.layers + 2 * self.process_blocks + 1
        return NetworkFacts(
            task="mixed",
            receptive_radius=self.phases * max(per_phase, 2 * self.auxiliary_blocks) + 2,
            global_operations=("channel attention",),
        )

    def build(self) -> FDRNet:
        return FDRNet(self)


class DisentangleLayer(nn.Module):
    """FD layer: convolution (eq. 3), gain control (eq. 4)."""

    def __init__(self, config: FDRNetConfig) -> None:
        super().__init__()
        self.conv = nn.Conv2d(config.channels, config.channels, 3, padding=1)
        self.normalise = GainControl(config.channels) if config.disentangle else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.normalise(self.conv(x))
        return out


class AggregateLayer(nn.Module):
    """FA layer: channel attention (eq. 6), inverse gain control (eq. 7), convolution."""

    def __init__(self, config: FDRNetConfig) -> None:
        super().__init__()
        self.attention = ChannelAttention(config.channels)
        self.restore = GainControl(config.channels, inverse=True) if config.disentangle else nn.Identity()
        self.conv = nn.Conv2d(config.channels, config.channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.conv(self.restore(self.attention(x)))
        return out


class Phase(nn.Module):
    """(lower, upper) -> (fused, auxiliary output)."""

    def __init__(self, config: FDRNetConfig) -> None:
        super().__init__()
        width = config.channels
        self.entry = nn.Identity()  # a tap
        self.disentangle = nn.ModuleList(DisentangleLayer(config) for _ in range(config.layers))
        blocks = [ResidualBlock(width) for _ in range(config.process_blocks)]
        self.process = nn.Sequential(*blocks, nn.Conv2d(width, width, 3, padding=1))
        self.aggregate = nn.ModuleList(AggregateLayer(config) for _ in range(config.layers))
        joined = width
        if config.auxiliary:
            self.auxiliary = nn.Sequential(*(ResidualBlock(width) for _ in range(config.auxiliary_blocks)))
            joined = 2 * width
        self.attention = ChannelAttention(joined)
        self.fuse = nn.Conv2d(joined, width, 1)

    def forward(self, lower: torch.Tensor, upper: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features, skips = self.entry(lower), []
        for layer in self.disentangle:
            features = layer(features)
            skips.append(features)
        features = self.process(features)
        for layer, skip in zip(self.aggregate, reversed(skips), strict=True):
            features = layer(features + skip)
        if not hasattr(self, "auxiliary"):
            return self.fuse(self.attention(features)), upper
        beside = self.auxiliary(upper)
        return self.fuse(self.attention(torch.cat([features, beside], 1))), beside


class FDRNet(Network):
    """(N, 3, H, W) -> (N, 3, H, W), not clipped."""

    def __init__(self, config: FDRNetConfig) -> None:
        super().__init__()
        self.config: FDRNetConfig = config
        self.head = nn.Conv2d(3, config.channels, 3, padding=1)
        self.phases = nn.ModuleList(Phase(config) for _ in range(config.phases))
        self.tail = nn.Conv2d(config.channels, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lower = upper = self.head(x)
        for phase in self.phases:
            fused, beside = phase(lower, upper)
            lower, upper = fused + lower, fused + beside
        out: torch.Tensor = x + self.tail(lower)
        return out

    def taps(self) -> dict[str, nn.Module]:
        taps: dict[str, nn.Module] = {"head": self.head}
        for index, phase in enumerate(self.phases):
            assert isinstance(phase, Phase)
            taps[f"phase.{index}.entry"] = phase.entry
            taps[f"phase.{index}.disentangle"] = phase.disentangle[-1]
            taps[f"phase.{index}.fuse"] = phase.fuse
        return taps
