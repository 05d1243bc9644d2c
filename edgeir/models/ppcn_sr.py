"""PPCN's super-resolution network (Hui et al., "Perception-Preserving Convolutional Networks for Image
Enhancement on Smartphones", ECCV-W 2018, section 3.1 and Fig. 2), entry "Rainbow" of the PIRM challenge.

It takes the bicubic-enlarged image, subtracts the image's own mean, works at a quarter of the size behind two
stride-2 convolutions, and adds the mean back. 236,560 parameters, 14.9 kMAC per output pixel. Facts that the paper
leaves open (activation placement, asymmetric "SAME" padding of the stride-2 convolutions, colour-major depth-to-space)
follow the authors' published configuration. The mean is a global operation: `restore` takes that of the whole image
in a pass of its own. The paper trains it on MAE + 25 (1 - SSIM), the MAE on 0-255 (eq. 6; recipe ppcn-sr-paper).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.blocks.global_statistics import ImageMean
from edgeir.models.config import NetworkConfig

__all__ = ["PPCNSR"]

_SLOPE = 0.05


class PPCNSRConfig(NetworkConfig):
    """Configuration of `PPCNSR`."""

    kind: Literal["ppcn-sr"] = "ppcn-sr"
    scale: Literal[4] = 4

    @property
    def facts(self) -> NetworkFacts:
        # Two stride-2 convolutions reach 7 pixels, and 14 convolutions at a quarter of the size 56 more.
        return NetworkFacts(
            scale=self.scale,
            input_kind="bicubic",
            size_multiple=4,
            receptive_radius=64,
            global_operations=("image mean",),
        )

    def build(self) -> PPCNSR:
        return PPCNSR(self)


class ResidualModule(nn.Module):
    """3x3 32->64, LeakyReLU, 3x3 64->32, + input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(32, 64, 3, padding=1)
        self.conv2 = nn.Conv2d(64, 32, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.conv2(F.leaky_relu(self.conv1(x), _SLOPE))  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """Two residual modules, a 3x3 transition, + input."""

    def __init__(self) -> None:
        super().__init__()
        self.modules_ = nn.Sequential(ResidualModule(), ResidualModule())
        self.transition = nn.Conv2d(32, 32, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.transition(self.modules_(x))  # type: ignore[no-any-return]


class PPCNSR(Network):
    """(N, 3, H, W) enlarged image -> (N, 3, H, W); H and W are multiples of 4."""

    def __init__(self, config: PPCNSRConfig) -> None:
        super().__init__()
        self.config: PPCNSRConfig = config
        self.mean = ImageMean()
        self.down1 = nn.Conv2d(3, 32, 3, stride=2)
        self.down2 = nn.Conv2d(32, 64, 3, stride=2)
        self.entry = nn.Conv2d(64, 32, 3, padding=1)
        self.block1 = ResidualBlock()
        self.block2 = ResidualBlock()
        self.exit = nn.Conv2d(32, 32, 3, padding=1)
        self.up1 = nn.Conv2d(32, 32, 3, padding=1)
        self.up2 = nn.Conv2d(32, 48, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scaled = x * 255.0
        mean: torch.Tensor = self.mean(scaled)
        features = F.leaky_relu(self.down1(_pad_same(scaled - mean)), _SLOPE)
        features = F.leaky_relu(self.down2(_pad_same(features)), _SLOPE)
        start = self.entry(features)
        features = self.exit(self.block2(self.block1(start))) + start
        return (F.pixel_shuffle(self.up2(self.up1(features)), 4) + mean) / 255.0

    def taps(self) -> dict[str, nn.Module]:
        return {"entry": self.entry, "block1": self.block1, "block2": self.block2}


def _pad_same(x: torch.Tensor) -> torch.Tensor:
    """TensorFlow's "SAME" padding of a 3x3 stride-2 convolution on an even size: bottom and right only."""
    return F.pad(x, (0, 1, 0, 1))
