"""ARCNN (Dong et al., ICCV 2015): four convolutions against JPEG artefacts; a backbone of STFT (section 3.2).

9x9 64, 7x7 32, 1x1 16, 5x5, PReLU between. One slope per layer; on a single channel its convolutions have 106,561
parameters.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.config import NetworkConfig, colour_of

__all__ = ["ARCNN"]


class ARCNNConfig(NetworkConfig):
    """Configuration of `ARCNN`."""

    kind: Literal["arcnn"] = "arcnn"
    scale: Literal[1] = 1
    channels: Literal[1, 3] = 3
    """1 for luma alone, as the paper; 3 for colour."""

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(task="jpeg", colour=colour_of(self.channels), receptive_radius=9)

    def build(self) -> ARCNN:
        return ARCNN(self)


class Activated(nn.Module):
    """Convolution of the same size, PReLU."""

    def __init__(self, given: int, out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(given, out, kernel, padding=kernel // 2)
        self.slope = nn.PReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.slope(self.conv(x))
        return out


class ARCNN(Network):
    """(N, C, H, W) -> (N, C, H, W), not clipped."""

    def __init__(self, config: ARCNNConfig) -> None:
        super().__init__()
        self.config: ARCNNConfig = config
        self.extract = Activated(config.channels, 64, 9)
        self.enhance = Activated(64, 32, 7)
        self.map = Activated(32, 16, 1)
        self.rebuild = nn.Conv2d(16, config.channels, 5, padding=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.rebuild(self.map(self.enhance(self.extract(x))))
        return out

    def taps(self) -> dict[str, nn.Module]:
        return {"extract": self.extract, "enhance": self.enhance, "map": self.map}
