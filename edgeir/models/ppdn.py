"""PPDN (Zhang, Sindagi, Patel, "Multi-scale single image dehazing using perceptual pyramid deep network", CVPR-W 2018):
the large dehazing backbone of STFT (section 3.2), which gives its size as over 30 M parameters (31.28 M).

Encoder: DenseNet-121 up to the end of its fourth dense block, at 1/32 of the size. Decoder: five dense blocks, each of
which is followed by a 1x1 convolution and doubles the size; at every scale the encoder's feature of that size (down to
1/8) and the input, average-pooled to it, are concatenated, and two residual blocks with batch normalisation follow.
Pyramid pooling at the end: the averages over 32, 16, 8 and 4 pixels, one channel each, beside the features. The last
3x3 convolution ends in tanh.

Decided where the paper gives no numbers: a decoder's dense block is a bottleneck of DenseNet's kind (1x1 to four times
the growth, 3x3 to the growth) with growths 256, 256, 128, 64, 32 and 1x1 outputs of 128, 128, 64, 32, 16; a residual
block is 3x3, norm, LeakyReLU 0.2, 3x3, norm, + input. That leaves the widths of the residual blocks' hidden layers,
which are `expansion` times their input, and that was fitted to the published count: 2.1 gives 31.21 M. Weights start
at random (the paper's encoder starts from ImageNet's).
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
from edgeir.models.config import Depth, NetworkConfig, Width

__all__ = ["PPDN"]

_POOLS = (32, 16, 8, 4)


class PPDNConfig(NetworkConfig):
    """Configuration of `PPDN`; the defaults are the paper's."""

    kind: Literal["ppdn"] = "ppdn"
    scale: Literal[1] = 1
    stem: int = Field(64, ge=2, le=4096, multiple_of=2)
    """Channels of the encoder's first convolution."""
    growth: Width = 32
    """Channels that each layer of the encoder adds."""
    layers: tuple[Depth, Depth, Depth, Depth] = (6, 12, 24, 16)
    """Of the encoder's dense blocks; DenseNet-121."""
    decoder_growths: tuple[Width, Width, Width, Width, Width] = (256, 256, 128, 64, 32)
    decoder_widths: tuple[Width, Width, Width, Width, Width] = (128, 128, 64, 32, 16)
    """Channels after each doubling of the size."""
    expansion: float = Field(2.1, gt=0, le=64)
    """Hidden channels of a residual block, relative to its input."""
    residual: bool = True
    """False drops the input from the decoder and the end (STFT's extractor), so that the image cannot be copied."""

    @property
    def facts(self) -> NetworkFacts:
        # A receptive radius of several hundred pixels: tiles are not worth it.
        return NetworkFacts(
            task="dehazing", size_multiple=32, global_operations=("receptive field of hundreds of pixels",)
        )

    def build(self) -> PPDN:
        return PPDN(self)


class Unit(nn.Module):
    """Norm, ReLU, convolution: DenseNet's order."""

    def __init__(self, given: int, out: int, kernel: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(given)
        self.conv = nn.Conv2d(given, out, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.conv(F.relu(self.norm(x)))
        return out


class Stem(nn.Module):
    """7x7 of stride 2, norm, ReLU, 3x3 maximum of stride 2."""

    def __init__(self, out: int) -> None:
        super().__init__()
        self.conv = ConvNorm(nn.Conv2d(3, out, 7, stride=2, padding=3, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.max_pool2d(F.relu(self.conv(x)), 3, stride=2, padding=1)


class DenseLayer(nn.Module):
    """The input, and `growth` channels more."""

    def __init__(self, given: int, growth: int) -> None:
        super().__init__()
        self.squeeze, self.grow = Unit(given, 4 * growth, 1), Unit(4 * growth, growth, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.grow(self.squeeze(x))], 1)


class Residual(nn.Module):
    """3x3, norm, LeakyReLU, 3x3, norm, + input."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(nn.Conv2d(channels, hidden, 3, padding=1, bias=False))
        self.conv2 = ConvNorm(nn.Conv2d(hidden, channels, 3, padding=1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.conv2(F.leaky_relu(self.conv1(x), 0.2))
        return x + change


class Up(nn.Module):
    """One decoder stage: dense layer, 1x1, twice the size; concatenation with what is given; two residual blocks."""

    def __init__(self, given: int, growth: int, width: int, beside: int, expansion: float) -> None:
        super().__init__()
        self.dense, self.narrow = DenseLayer(given, growth), Unit(given + growth, width, 1)
        self.channels = width + beside
        hidden = max(1, round(expansion * self.channels))
        self.blocks = nn.Sequential(Residual(self.channels, hidden), Residual(self.channels, hidden))

    def forward(self, x: torch.Tensor, beside: list[torch.Tensor]) -> torch.Tensor:
        large = F.interpolate(self.narrow(self.dense(x)), scale_factor=2.0, mode="nearest")
        out: torch.Tensor = self.blocks(torch.cat([large, *beside], 1))
        return out


class PPDN(Network):
    """(N, 3, H, W) -> (N, 3, H, W), H and W multiples of 32, in (-1, 1), not clipped."""

    def __init__(self, config: PPDNConfig) -> None:
        super().__init__()
        self.config: PPDNConfig = config
        self.stem = Stem(config.stem)
        self.encoder, self.shrink = nn.ModuleList(), nn.ModuleList()
        width, widths = config.stem, []
        for position, count in enumerate(config.layers):
            layers = [DenseLayer(width + index * config.growth, config.growth) for index in range(count)]
            self.encoder.append(nn.Sequential(*layers))
            width += count * config.growth
            if position < 3:
                self.shrink.append(nn.Sequential(Unit(width, width // 2, 1), nn.AvgPool2d(2)))
                width //= 2
                widths.append(width)
        image = 3 if config.residual else 0
        beside = [widths[1] + image, widths[0] + image, image, image, image]
        self.ups = nn.ModuleList()
        for growth, out, extra in zip(config.decoder_growths, config.decoder_widths, beside, strict=True):
            self.ups.append(Up(width, growth, out, extra, config.expansion))
            width = out + extra
        self.refine = nn.Conv2d(width, 20, 3, padding=1)
        self.pyramid = nn.ModuleList(nn.Conv2d(20, 1, 1) for _ in _POOLS)
        self.tail = nn.Conv2d(20 + len(_POOLS), 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features, kept = self.stem(x), []
        for block, shrink in zip(self.encoder, self.shrink, strict=False):
            features = shrink(block(features))
            kept.append(features)
        features = self.encoder[-1](features)
        for position, up in enumerate(self.ups):
            beside = [kept[1 - position]] if position < 2 else []
            if self.config.residual:
                factor = 2 ** (4 - position)
                beside.append(F.avg_pool2d(x, factor) if factor > 1 else x)
            features = up(features, beside)
        refined = F.leaky_relu(self.refine(features), 0.2)
        levels = [
            F.interpolate(
                F.leaky_relu(conv(F.avg_pool2d(refined, size)), 0.2), scale_factor=float(size), mode="nearest"
            )
            for size, conv in zip(_POOLS, self.pyramid, strict=True)
        ]
        return torch.tanh(self.tail(torch.cat([*levels, refined], 1)))

    def taps(self) -> dict[str, nn.Module]:
        return {
            "stem": self.stem,
            **{f"encoder.{index}": block for index, block in enumerate(self.encoder)},
            **{f"up.{index}": up for index, up in enumerate(self.ups)},
        }
