"""AOD-Net (Li et al., ICCV 2017): dehazing in 1,761 parameters; a backbone of STFT (section 3.2).

The scattering model I = J t + A (1 - t) is rewritten with one unknown map K so that J = K I - K + 1 (its eq. 4 with b
= 1); five small convolutions of three channels, each followed by ReLU, estimate K. The taps are what follows the ReLU.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.config import NetworkConfig

__all__ = ["AODNet"]


class AODNetConfig(NetworkConfig):
    """Configuration of `AODNet`."""

    kind: Literal["aod-net"] = "aod-net"
    scale: Literal[1] = 1
    direct: bool = False
    """The last convolution is the image itself, not K (STFT's extractor)."""

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(task="dehazing", receptive_radius=7)

    def build(self) -> AODNet:
        return AODNet(self)


class AODNet(Network):
    """(N, 3, H, W) -> (N, 3, H, W), at least 0, not clipped above."""

    def __init__(self, config: AODNetConfig) -> None:
        super().__init__()
        self.config: AODNetConfig = config
        self.conv1 = nn.Conv2d(3, 3, 1)
        self.conv2 = nn.Conv2d(3, 3, 3, padding=1)
        self.conv3 = nn.Conv2d(6, 3, 5, padding=2)
        self.conv4 = nn.Conv2d(6, 3, 7, padding=3)
        self.conv5 = nn.Conv2d(12, 3, 3, padding=1)
        self.active = nn.ModuleList(nn.ReLU() for _ in range(5))  # one each, so that each can be read
        with torch.no_grad():  # K starts around 1, where J = I: from 0 the outer ReLU would pass no gradient
            for conv in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5):
                assert conv.bias is not None
                conv.bias.zero_()
            assert self.conv5.bias is not None
            self.conv5.bias.fill_(1.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.active[0](self.conv1(x))
        second = self.active[1](self.conv2(first))
        third = self.active[2](self.conv3(torch.cat([first, second], 1)))
        fourth = self.active[3](self.conv4(torch.cat([second, third], 1)))
        k: torch.Tensor = self.active[4](self.conv5(torch.cat([first, second, third, fourth], 1)))
        if self.config.direct:
            return k
        return F.relu(k * x - k + 1)

    def taps(self) -> dict[str, nn.Module]:
        return {f"conv{position}": relu for position, relu in enumerate(self.active, start=1)}
