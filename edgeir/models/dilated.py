"""DilatedNet: edgeir's student at full resolution, for tasks that keep the size: better than `UNet`, and slower.

Every layer computes at every pixel, as in DnCNN; with dilations that grow and shrink again it sees as far as twice as
many layers would without (IRCNN: Zhang et al., *Learning Deep CNN Denoiser Prior for Image Restoration*, CVPR 2017,
section 4.2):

    x ── conv 3->W ── [conv W->W, dilated] x layers ── conv W->3 ──(+)── clip
    └─────────────────────── the image itself ─────────────────────────┘

All convolutions are 3x3 and all but the last are followed by ReLU. Where IRCNN normalises by batch, these are trained
with linear branches (`blocks.reparam`) and deployed without them. The default has 106,563 parameters, as many as
`UNet`, and 106 K multiplications a pixel, eight times as many.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Clip, Network
from edgeir.models.blocks.activated import ConvReLU
from edgeir.models.blocks.reparam import Branch, ReparamConv, load_across_branches
from edgeir.models.config import Depth, NetworkConfig, Width, colour_of
from edgeir.models.family import Family

__all__ = ["DilatedNet", "DilatedNetDeployed"]

WIDTHS = (16, 24, 32, 40, 48, 56, 64)


class DilatedNetConfig(NetworkConfig):
    """Configuration of `DilatedNet`."""

    kind: Literal["dilated"] = "dilated"
    scale: Literal[1] = 1
    task: Literal["denoising", "jpeg", "mixed", "deblurring", "deraining"] = "denoising"
    """What it is trained for: a fact for the commands that show and measure it, not a part of the network."""
    channels: Literal[1, 3] = 3
    """1 for gray, 3 for colour."""
    width: Width = 48
    """Channels of every layer."""
    layers: Depth = 5
    """Convolutions between the first and the last."""
    most_dilation: int = Field(4, ge=1, le=64)
    """Dilations grow from 2 by one a layer up to this, and shrink to 2 again; 1: none."""
    branches: tuple[Branch, ...] = ("expand", "pointwise")
    """Training-time linear branches of the inner layers and the last; empty trains the plain network."""
    expansion: int = Field(2, ge=1, le=64)
    """Width of the `expand` branch, in multiples of the layer's channels."""

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(
            task=self.task, colour=colour_of(self.channels), receptive_radius=sum(self.dilations) + 2
        )

    @property
    def dilations(self) -> tuple[int, ...]:
        """Of each layer between the first and the last."""
        last = self.layers - 1
        return tuple(min(index + 2, last - index + 2, self.most_dilation) for index in range(self.layers))

    def build(self) -> DilatedNet:
        return DilatedNet(self)

    def family(self) -> Family:
        shapes = tuple({"width": width} for width in sorted({*WIDTHS, self.width}))
        return Family(
            depth="layers",
            least=1,
            most=16,
            shapes=shapes,
            empty={"layers": 1},
            training_only={"branches": ()},
        )


class DilatedNet(Network):
    """DilatedNet in its training form: (N, C, H, W) -> (N, C, H, W), not clipped."""

    def __init__(self, config: DilatedNetConfig) -> None:
        super().__init__()
        self.config: DilatedNetConfig = config
        width = config.width
        self.head = ConvReLU(nn.Conv2d(config.channels, width, 3, padding=1))
        self.body = nn.ModuleList(
            ConvReLU(ReparamConv(width, width, config.branches, config.expansion, dilation))
            for dilation in config.dilations
        )
        self.tail = ReparamConv(width, config.channels, config.branches, config.expansion)
        with torch.no_grad():  # start as the identity: the change that it makes begins near zero
            for kernel in (self.tail.conv.weight, getattr(self.tail, "project", None)):
                if kernel is not None:
                    kernel.mul_(0.1)
            assert self.tail.conv.bias is not None
            self.tail.conv.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.head(x)
        for layer in self.body:
            features = layer(features)
        change = self.tail(features)
        # The image itself stays in float32 under mixed precision: bfloat16 would round it to 8 bits.
        with torch.autocast(x.device.type, enabled=False):
            out: torch.Tensor = x.float() + change.float()
        return out

    def deploy(self) -> DilatedNetDeployed:
        return DilatedNetDeployed(self.fused())

    def fused(self) -> DilatedNet:
        """The same function without branches."""
        plain = DilatedNet(self.config.model_copy(update={"branches": ()}))
        load_across_branches(plain, self)
        return plain.eval()

    def weights_from(self, other: Network) -> dict[str, torch.Tensor]:
        """As `Network.weights_from`; `other` may have other branches: the plain kernels absorb the difference."""
        if not isinstance(other, DilatedNet) or self.config.branches == other.config.branches:
            return other.state_dict()
        result = DilatedNet(self.config)
        result.load_state_dict(self.state_dict())
        load_across_branches(result, other)
        return result.state_dict()

    def taps(self) -> dict[str, nn.Module]:
        return {"head": self.head, **{f"body.{index}": layer for index, layer in enumerate(self.body)}}


class DilatedNetDeployed(nn.Module):
    """DilatedNet fused for export: plain convolutions, ReLU, one addition, clip."""

    def __init__(self, network: DilatedNet) -> None:
        super().__init__()
        layers: list[nn.Module] = [network.head.conv, nn.ReLU()]
        for layer in network.body:
            assert isinstance(layer, ConvReLU)
            assert isinstance(layer.conv, ReparamConv)
            layers += [layer.conv.fuse(), nn.ReLU()]
        self.change = nn.Sequential(*layers, network.tail.fuse())
        self.clip = Clip()
        self.eval().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.clip(self.change(x) + x)
        return out
