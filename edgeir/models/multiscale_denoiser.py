"""The denoiser of "When Image Denoising Meets High-Level Vision Tasks" (Liu et al., IJCAI 2018): three scales,
1,033,443 parameters.

5x5 3->64; two encoders (3x3 stride 2, bottleneck with skip) at half and quarter size; back up by 4x4 stride-2
transposed convolutions, each concatenated with the features of its scale; a 3x3 estimates the noise-free residual.
Every convolution inside the encoders and the decoder is followed by batch normalisation and ReLU (Fig. 2; counts from
the authors' configuration). Deployed, the normalisations are folded.
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
from edgeir.models.config import NetworkConfig, colour_of

__all__ = ["MultiscaleDenoiser"]


class MultiscaleDenoiserConfig(NetworkConfig):
    """Configuration of `MultiscaleDenoiser`."""

    kind: Literal["multiscale-denoiser"] = "multiscale-denoiser"
    scale: Literal[1] = 1
    channels: Literal[1, 3] = 3
    width: int = Field(64, ge=4, le=4096, multiple_of=2)
    """Channels of the first convolution; all others keep the paper's ratio to it (an option beyond the paper)."""

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(
            task="denoising", colour=colour_of(self.channels), size_multiple=4, receptive_radius=22
        )

    def build(self) -> MultiscaleDenoiser:
        return MultiscaleDenoiser(self)


class NormReLU(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, given: int, out: int, kernel: int, stride: int = 1, *, bias: bool = True) -> None:
        super().__init__()
        self.conv = ConvNorm(nn.Conv2d(given, out, kernel, stride, padding=kernel // 2, bias=bias))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.conv(x))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1, + input; without biases, which the normalisations have (the published count says so)."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            NormReLU(channels, inner, 1, bias=False),
            NormReLU(inner, inner, 3, bias=False),
            NormReLU(inner, channels, 1, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = x + self.layers(x)
        return out


class MultiscaleDenoiser(Network):
    """(N, C, H, W) -> (N, C, H, W), sides a multiple of 4, not clipped."""

    def __init__(self, config: MultiscaleDenoiserConfig) -> None:
        super().__init__()
        self.config: MultiscaleDenoiserConfig = config
        width = config.width
        half, twice, four = width // 2, width * 2, width * 4
        self.head = nn.Conv2d(config.channels, width, 5, padding=2)
        self.encode1 = nn.Sequential(NormReLU(width, twice, 3, 2), Bottleneck(twice, half))
        self.encode2 = nn.Sequential(NormReLU(twice, twice, 3, 2), Bottleneck(twice, half))
        self.up2 = nn.ConvTranspose2d(twice, half, 4, 2, padding=1)
        self.decode = nn.Sequential(NormReLU(twice + half, four, 3), Bottleneck(four, width))
        self.up1 = nn.ConvTranspose2d(four, width, 4, 2, padding=1)
        self.tail = nn.Conv2d(twice, config.channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        full = self.head(x)
        half = self.encode1(full)
        quarter = self.encode2(half)
        half = self.decode(torch.cat([self.up2(quarter), half], 1))
        out: torch.Tensor = x + self.tail(torch.cat([self.up1(half), full], 1))
        return out

    def taps(self) -> dict[str, nn.Module]:
        names = ("head", "encode1", "encode2", "decode")
        return {name: getattr(self, name) for name in names}
