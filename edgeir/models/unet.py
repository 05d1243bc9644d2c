"""UNet: edgeir's phone student for tasks that keep the size (denoising, JPEG repair, mixed degradations).

A plain network at full resolution pays for every one of its layers at every pixel; this one computes at a half and a
quarter of the resolution, where a layer costs 1/4 and 1/16 and sees two and four times as far, which strong noise and
8x8 blocks need (FFDNet works at half resolution for the same reason; the ladder is that of Ronneberger et al., *U-Net*,
MICCAI 2015):

    x ── conv4/2 3->W0 ── [conv W0] x encoder ──────────────(+)── [conv W0] x decoder ── conv W0->12 ── d2s ──(+)── clip
    │                         └ conv2/2 W0->W1 ── [conv W1] x middle ── conv1 W1->4·W0 ─ d2s ┘                   │
    └──────────────────────────────────────── the image itself ──────────────────────────────────────────────────┘

(conv k/s: kernel k, stride s; without numbers 3x3. All are followed by ReLU but the two before a shuffle. d2s:
depth-to-space by 2.) XNNPACK and LiteRT's GPU delegate take its int8 file whole (`edgeir lint`), and the image reaches
the output without passing a convolution. 3x3 layers of equal width are trained with linear branches (`blocks.reparam`)
and deployed without them.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Clip, Network
from edgeir.models.blocks.activated import ConvReLU
from edgeir.models.blocks.reparam import Branch, ReparamConv, load_across_branches
from edgeir.models.config import Depth, NetworkConfig, Width, colour_of
from edgeir.models.family import Family

__all__ = ["UNet", "UNetDeployed"]

FAMILY_WIDTHS = ((16, 32), (32, 48), (32, 64), (48, 64))


class UNetConfig(NetworkConfig):
    """Configuration of `UNet`; the defaults have 107,596 parameters, 12.8 K multiplications per pixel."""

    kind: Literal["unet"] = "unet"
    scale: Literal[1] = 1
    task: Literal["denoising", "jpeg", "mixed", "deblurring", "deraining"] = "denoising"
    """What it is trained for: a fact for the commands that show and measure it, not a part of the network."""
    channels: Literal[1, 3] = 3
    """1 for gray, 3 for colour."""
    widths: tuple[Width, Width] = (32, 48)
    """Channels at a half and at a quarter of the resolution."""
    encoder: Depth = 1
    """3x3 convolutions at half resolution before the quarter."""
    middle: Depth = 3
    """3x3 convolutions at a quarter of the resolution."""
    decoder: Depth = 2
    """3x3 convolutions at half resolution after the quarter."""
    branches: tuple[Branch, ...] = ("expand", "pointwise")
    """Training-time linear branches of every 3x3 convolution; empty trains the plain network. Not the identity:
    with it a kernel's peak was 15 times its mean square root, too much for 8 bits, and layers died (docs/LOG.md)."""
    expansion: int = Field(2, ge=1, le=64)
    """Width of the `expand` branch, in multiples of the layer's channels."""

    @property
    def facts(self) -> NetworkFacts:
        # In pixels of half size: the tail's and the decoder's 3x3, the quarter's (two each, and one more because an
        # output lies at either phase of its pixel), the encoder's. The head reads two more pixels of the image.
        halves = (self.decoder + 1) + (2 * self.middle + 1) + self.encoder
        return NetworkFacts(
            task=self.task,
            colour=colour_of(self.channels),
            size_multiple=4,
            receptive_radius=2 * halves + 2,
        )

    def build(self) -> UNet:
        return UNet(self)

    def family(self) -> Family:
        """Widths of whole kernels (16 outputs at once), with one layer or two at half resolution on either side."""
        sides = ((1, 1), (1, 2), (2, 2))
        shapes = [
            {"widths": widths, "encoder": encoder, "decoder": decoder}
            for widths in FAMILY_WIDTHS
            for encoder, decoder in sides
        ]
        own = {"widths": self.widths, "encoder": self.encoder, "decoder": self.decoder}
        return Family(
            depth="middle",
            least=1,
            most=16,
            shapes=(*shapes, *([] if own in shapes else [own])),
            empty={"encoder": 1, "middle": 1, "decoder": 1},
            training_only={"branches": ()},
        )


class UNet(Network):
    """UNet in its training form: (N, C, H, W) -> (N, C, H, W), not clipped; H and W are multiples of 4."""

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config: UNetConfig = config
        high, low = config.widths

        def layers(width: int, count: int) -> nn.ModuleList:
            return nn.ModuleList(
                ConvReLU(ReparamConv(width, width, config.branches, config.expansion)) for _ in range(count)
            )

        self.head = ConvReLU(nn.Conv2d(config.channels, high, 4, stride=2, padding=1))
        self.encoder = layers(high, config.encoder)
        self.down = ConvReLU(nn.Conv2d(high, low, 2, stride=2))
        self.middle = layers(low, config.middle)
        self.up = nn.Conv2d(low, 4 * high, 1)
        self.decoder = layers(high, config.decoder)
        self.tail = ReparamConv(high, 4 * config.channels, config.branches, config.expansion)
        with torch.no_grad():  # start as the identity: the change that it makes begins near zero
            self.tail.conv.weight.mul_(0.1)
            if hasattr(self.tail, "project"):
                self.tail.project.mul_(0.1)
            assert self.tail.conv.bias is not None
            self.tail.conv.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        near = self.head(x)
        for layer in self.encoder:
            near = layer(near)
        far = self.down(near)
        for layer in self.middle:
            far = layer(far)
        features = near + F.pixel_shuffle(self.up(far), 2)
        for layer in self.decoder:
            features = layer(features)
        change = F.pixel_shuffle(self.tail(features), 2)
        # The image itself stays in float32 under mixed precision: bfloat16 would round it to 8 bits.
        with torch.autocast(x.device.type, enabled=False):
            return x.float() + change.float()

    def deploy(self) -> UNetDeployed:
        return UNetDeployed(self.fused())

    def fused(self) -> UNet:
        """The same function without branches."""
        plain = UNet(self.config.model_copy(update={"branches": ()}))
        load_across_branches(plain, self)
        return plain.eval()

    def weights_from(self, other: Network) -> dict[str, torch.Tensor]:
        """As `Network.weights_from`; `other` may have other branches: the plain kernels absorb the difference."""
        if not isinstance(other, UNet) or self.config.branches == other.config.branches:
            return other.state_dict()
        result = UNet(self.config)
        result.load_state_dict(self.state_dict())
        load_across_branches(result, other)
        return result.state_dict()

    def taps(self) -> dict[str, nn.Module]:
        named: dict[str, nn.Module] = {"head": self.head}
        for part in ("encoder", "middle", "decoder"):
            named |= {f"{part}.{index}": layer for index, layer in enumerate(getattr(self, part))}
        return named


class UNetDeployed(nn.Module):
    """UNet fused for export: plain convolutions, ReLU, two shuffles, two additions, clip."""

    def __init__(self, network: UNet) -> None:
        super().__init__()

        def plain(layer: nn.Module) -> list[nn.Module]:
            assert isinstance(layer, ConvReLU)
            conv = layer.conv
            return [conv.fuse() if isinstance(conv, ReparamConv) else conv, nn.ReLU()]

        def chain(*layers: nn.Module) -> nn.Sequential:
            return nn.Sequential(*(part for layer in layers for part in plain(layer)))

        self.near = chain(network.head, *network.encoder)
        self.far = chain(network.down, *network.middle)
        self.up, self.between = network.up, nn.PixelShuffle(2)
        self.decoder = chain(*network.decoder)
        self.tail, self.shuffle = network.tail.fuse(), nn.PixelShuffle(2)
        self.clip = Clip()
        self.eval().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        near = self.near(x)
        features = self.decoder(near + self.between(self.up(self.far(near))))
        out: torch.Tensor = self.clip(self.shuffle(self.tail(features)) + x)
        return out
