"""DnCNN (Zhang et al., TIP 2017): the residual denoiser that most papers here compare with; a backbone of STFT
(section 3.2).

3x3 + ReLU, (depth - 2) times 3x3 + batch normalisation + ReLU, 3x3; the network estimates the noise and subtracts it.
17 layers on one channel have 557,057 parameters. Deployed, the normalisations are folded into the convolutions.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.blocks.fuse import ConvNorm
from edgeir.models.config import NetworkConfig, Width, colour_of

__all__ = ["DnCNN"]


class DnCNNConfig(NetworkConfig):
    """Configuration of `DnCNN`."""

    kind: Literal["dncnn"] = "dncnn"
    scale: Literal[1] = 1
    channels: Literal[1, 3] = 3
    """1 for gray, 3 for colour."""
    depth: int = Field(17, ge=3, le=1000)
    """Convolutions in all: 17 for one noise level, 20 for blind colour, 29 in STFT's larger one."""
    width: Width = 64
    residual: bool = True
    """Estimate the noise and subtract it; False returns the image itself (STFT's extractor)."""

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(task="denoising", colour=colour_of(self.channels), receptive_radius=self.depth)

    def build(self) -> DnCNN:
        return DnCNN(self)


class Layer(nn.Module):
    """A convolution (normalised or not) and ReLU; its output is a tap."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.conv(x))


class DnCNN(Network):
    """(N, C, H, W) -> (N, C, H, W), not clipped."""

    def __init__(self, config: DnCNNConfig) -> None:
        super().__init__()
        self.config: DnCNNConfig = config
        width = config.width
        self.head = Layer(nn.Conv2d(config.channels, width, 3, padding=1))
        self.body = nn.ModuleList(
            Layer(ConvNorm(nn.Conv2d(width, width, 3, padding=1))) for _ in range(config.depth - 2)
        )
        self.tail = nn.Conv2d(width, config.channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.head(x)
        for layer in self.body:
            features = layer(features)
        out: torch.Tensor = self.tail(features)
        return x - out if self.config.residual else out

    def taps(self) -> dict[str, nn.Module]:
        return {"head": self.head, **{f"body.{index}": layer for index, layer in enumerate(self.body)}}
