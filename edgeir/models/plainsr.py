"""PlainSR: edgeir's phone student, and in a larger size its teacher.

Everything runs at the low resolution. Deployed it is nothing but 3x3 convolutions and ReLU, one addition,
depth-to-space and a clip, so that every runtime and every delegate has fast kernels for all of it:

    x ── conv 3->C ReLU ── [conv C->C ReLU] x blocks ── conv C->3s² ──(+)── depth-to-space s ── clip
     └────────────────────── conv 3->3s² (image-space residual) ──────┘

What the mobile challenges taught, and what is different here:

- ECBSR, SESR, QuickSRNet: plain LR-input stacks with linear branches fused after training. Here the
  branches are fused *before* every convolution of training (`blocks.reparam`), so that they cost next to nothing.
- ABPN, XLSR: an image-space residual (nearest-neighbour copies of the input) keeps int8 accurate. Here the
  residual is a learnt 3x3 convolution that starts as those copies: it becomes the best linear upscaler with that
  support, for 1.3 K parameters, and the deep path learns only what no linear filter can do.
- ReLU instead of the PReLU of ECBSR/SESR: it fuses into the convolution on every runtime, int8 included.
- In a narrow network the last convolution is the largest (16 channels, x4: 7 K of 13 K parameters), although the
  details of the three colours are nearly the same. `tail_rank` factors it into a 3x3 to few channels and a 1x1; what
  that saves buys further blocks (`benchmarks/results/study-depth.json`).
- What a plain stack cannot do, gates on every N-th layer may (`blocks.gates`; compared at equal int8 cost in
  `benchmarks/results/study-blocks.json`). None by default.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Clip, Network
from edgeir.models.blocks.activated import ConvReLU
from edgeir.models.blocks.gates import (
    CELL,
    Body,
    GatedLayer,
    GateKind,
    LocalGate,
    cut_back,
    reach,
    whole_cells,
)
from edgeir.models.blocks.reparam import Branch, ReparamConv
from edgeir.models.config import NetworkConfig, Width
from edgeir.models.family import Family

__all__ = ["PlainSR", "PlainSRDeployed"]

FAMILY_WIDTHS = (16, 32, 48, 64)
"""Kernels compute 16 outputs at once: a width between these costs as much as the next one."""
LEAN_RANK = 16


class PlainSRConfig(NetworkConfig):
    """Configuration of `PlainSR`."""

    kind: Literal["plainsr"] = "plainsr"
    scale: int = Field(4, ge=2, le=4)
    """Enlargement per side."""
    channels: Width = 32
    """Width of every hidden convolution."""
    blocks: int = Field(10, ge=0, le=1000)
    """Hidden C->C convolutions between the first and the last one."""
    branches: tuple[Branch, ...] = ("expand", "pointwise", "identity")
    """Training-time linear branches of every convolution; empty trains the plain network."""
    expansion: int = Field(4, ge=1, le=64)
    """Width of the `expand` branch, in multiples of the layer's channels."""
    tail_rank: Width | None = None
    """Split the last convolution into a 3x3 to this many channels and a 1x1 to 3s² (no ReLU between): in a narrow
    network the last layer is the largest, and the details of the three colours are nearly the same."""
    residual_kernel: Literal[1, 3] = 3
    """Side of the image-space residual's kernel. 1 costs half as much in int8, which matters for a small network."""
    gate: GateKind | None = None
    """What gates every `gate_every`-th hidden convolution, see `edgeir.models.blocks.gates`; None: plain ReLU."""
    gate_every: int = Field(2, ge=1, le=1000)
    """Hidden convolutions per gate; without `gate` it has no meaning."""

    @model_validator(mode="after")
    def _has_gates(self) -> PlainSRConfig:
        if self.gate is not None and self.gate_every > self.blocks:
            raise ValueError(
                f"`gate_every` is {self.gate_every}, more than `blocks` ({self.blocks}): no gate at all"
            )
        return self

    def gated(self, index: int) -> bool:
        """Whether hidden convolution `index`, from 0, has a gate."""
        return self.gate is not None and (index + 1) % self.gate_every == 0

    @property
    def facts(self) -> NetworkFacts:
        if self.gate != "local":
            return NetworkFacts(scale=self.scale, receptive_radius=self.blocks + 2)
        gates = [False, *(self.gated(index) for index in range(self.blocks)), False]
        return NetworkFacts(scale=self.scale, receptive_radius=reach(gates), tile_multiple=CELL)

    @property
    def operators(self) -> str:
        return self.kind if self.gate is None else f"{self.kind} with {self.gate} gates"

    def family(self) -> Family:
        """Widths of whole kernels (16 outputs at once), the tail in full or lean, and the recipe's own shape.

        `benchmarks/results/study-depth.json`: five networks of 12 thousand parameters are ordered in quality by what
        their hidden layers multiply, not by their multiply-accumulates in all.
        """
        rank = LEAN_RANK if 3 * self.scale**2 > LEAN_RANK else None
        tails = ({"tail_rank": rank, "residual_kernel": 1}, {"tail_rank": None, "residual_kernel": 3})
        own = {
            "channels": self.channels,
            "tail_rank": self.tail_rank,
            "residual_kernel": self.residual_kernel,
        }
        shapes = [{"channels": width, **tail} for width in FAMILY_WIDTHS for tail in tails]
        return Family(
            depth="blocks",
            least=1 if self.gate is None else self.gate_every,
            most=max(32, self.gate_every),
            shapes=(*shapes, *([] if own in shapes else [own])),
            empty={"blocks": 0, "gate": None},
            training_only={"branches": ()},
        )

    def build(self) -> PlainSR:
        return PlainSR(self)


class PlainSR(Network):
    """PlainSR in its training form: (N, 3, h, w) -> (N, 3, s·h, s·w), not clipped."""

    def __init__(self, config: PlainSRConfig) -> None:
        super().__init__()
        self.config: PlainSRConfig = config
        width, out = config.channels, 3 * config.scale**2
        arguments = (config.branches, config.expansion)
        self.head = ConvReLU(ReparamConv(3, width, *arguments))
        self.body = Body(self._layer(index) for index in range(config.blocks))
        if config.gate == "local":
            self.cell, self.least_side, self.continues = CELL, CELL + 1, True
        self.tail = ReparamConv(width, config.tail_rank or out, *arguments)
        self.mix = nn.Conv2d(config.tail_rank, out, 1) if config.tail_rank else nn.Identity()
        self.residual = _residual(config)
        _copy_pixels(self.residual, config.scale)
        with torch.no_grad():  # start as the linear upscaler: the deep path's output begins near zero
            if isinstance(self.mix, nn.Conv2d):
                last = self.mix
            else:
                last = self.tail.conv
                if hasattr(self.tail, "project"):
                    self.tail.project.mul_(0.1)
            last.weight.mul_(0.1)
            assert last.bias is not None
            last.bias.zero_()

    def _layer(self, index: int) -> nn.Module:
        config = self.config
        arguments = (config.channels, config.channels, config.branches, config.expansion)
        conv = ReparamConv(*arguments)
        if config.gate is None or not config.gated(index):
            return ConvReLU(conv)
        return GatedLayer(config.gate, conv, ReparamConv(*arguments) if config.gate == "pair" else None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.body(self.head(whole_cells(x) if self.continues else x))
        details = self.mix(self.tail(cut_back(features, x) if self.continues else features))
        # The image path stays in float32 under mixed precision: bfloat16 would round the image to 8 bits.
        with torch.autocast(x.device.type, enabled=False):
            return F.pixel_shuffle(details.float() + self.residual(x.float()), self.config.scale)

    def deploy(self) -> PlainSRDeployed:
        return PlainSRDeployed(self)

    def fused(self) -> PlainSR:
        """The same function without branches."""
        plain = PlainSR(self.config.model_copy(update={"branches": ()}))
        with torch.no_grad():
            for source, target in zip(self._convolutions(), plain._convolutions(), strict=True):
                target.conv.load_state_dict(source.fuse().state_dict())
            for own, copied in zip(self._local_gates(), plain._local_gates(), strict=True):
                copied.load_state_dict(own.state_dict())
        plain.mix.load_state_dict(self.mix.state_dict())
        plain.residual.load_state_dict(self.residual.state_dict())
        return plain.eval()

    def weights_from(self, other: Network) -> dict[str, torch.Tensor]:
        """As `Network.weights_from`; `other` may have other branches, or none, fewer channels and fewer blocks.

        The branches stay as they are and the plain kernels absorb the difference. Additional channels have zero weights
        towards the next layer, and additional blocks are identities (ReLU does not change its own output), as in
        Net2Net (Chen et al., 2016): the function is the same at the first step, and gradients reach all weights. Local
        gates begin as factors of one, so that a network with them may start as one without.
        """
        if not isinstance(other, PlainSR) or not self._continues(other.config):
            return other.state_dict()
        result = PlainSR(self.config)
        result.load_state_dict(self.state_dict())
        *hidden, tail = other._convolutions()
        own = result._convolutions()
        sources = [*hidden, *[None] * (len(own) - 1 - len(hidden)), tail]
        width = other.config.channels
        with torch.no_grad():
            for source, target in zip(sources, own, strict=True):
                _take_over(target, source, width)
            gates = [*other._local_gates(), *[None] * len(result._local_gates())]
            for gate, theirs in zip(result._local_gates(), gates, strict=False):
                for name, values in gate.named_parameters():
                    values.zero_()
                    if theirs is not None:
                        values[:width] = theirs.get_parameter(name)
        result.mix.load_state_dict(other.mix.state_dict())
        result.residual.load_state_dict(other.residual.state_dict())
        return result.state_dict()

    def _continues(self, other: PlainSRConfig) -> bool:
        """Whether this network can be initialised from one of configuration `other` and differs from it."""
        mine = self.config
        fixed = ["scale", "tail_rank", "residual_kernel"]
        if mine.gate != "local" or other.gate is not None:  # local gates may be added
            fixed += ["gate"] if mine.gate is None else ["gate", "gate_every"]
        if mine.gate not in (None, "local"):  # no further channel or block of theirs is an identity
            fixed += ["channels", "blocks"]
        same = all(getattr(mine, name) == getattr(other, name) for name in fixed)
        return same and mine != other and mine.channels >= other.channels and mine.blocks >= other.blocks

    def _convolutions(self) -> list[ReparamConv]:
        return [module for module in self.modules() if isinstance(module, ReparamConv)]

    def _local_gates(self) -> list[LocalGate]:
        return [module for module in self.modules() if isinstance(module, LocalGate)]

    def taps(self) -> dict[str, nn.Module]:
        return {"head": self.head, **{f"body.{index}": block for index, block in enumerate(self.body)}}


class PlainSRDeployed(nn.Module):
    """PlainSR fused for export: plain convolutions, ReLU, one addition, pixel shuffle, clip."""

    def __init__(self, network: PlainSR) -> None:
        super().__init__()
        self.body = nn.Sequential(*_deployed(network.head), *_deployed_body(network.body))
        self.continues = network.continues
        self.tail = network.tail.fuse()
        self.mix: nn.Module = nn.Identity()
        if isinstance(network.mix, nn.Conv2d):
            self.mix = nn.Conv2d(network.mix.in_channels, network.mix.out_channels, 1)
            self.mix.load_state_dict(network.mix.state_dict())
        self.residual = _residual(network.config)
        self.residual.load_state_dict(network.residual.state_dict())
        self.shuffle = nn.PixelShuffle(network.config.scale)
        self.clip = Clip()
        self.eval().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.body(whole_cells(x) if self.continues else x)
        details = self.mix(self.tail(cut_back(features, x) if self.continues else features))
        out: torch.Tensor = self.clip(self.shuffle(details + self.residual(x)))
        return out


def _deployed(layer: nn.Module) -> list[nn.Module]:
    """A layer of the training form as the deployed form has it."""
    if isinstance(layer, GatedLayer):
        return [layer.fused()]
    assert isinstance(layer, ConvReLU)
    assert isinstance(layer.conv, ReparamConv)
    return [layer.conv.fuse(), nn.ReLU()]


def _deployed_body(body: Body) -> list[nn.Module]:
    layers = [module for layer in body for module in _deployed(layer)]
    return [Body(layers)] if any(isinstance(layer, GatedLayer) for layer in body) else layers


def _take_over(target: ReparamConv, source: ReparamConv | None, width: int) -> None:
    """Let the first outputs of `target` be those of `source`, or of the identity where it is None; in place.

    `width` is the number of channels of the smaller network: other input channels get zero weights.
    """
    bias = target.conv.bias
    assert bias is not None
    change = -target.kernel()
    outputs = width if source is None else source.out_channels
    if source is None:
        change[:width, :width, 1, 1] += torch.eye(width)
        bias[:width] = 0.0
    else:
        assert source.conv.bias is not None
        change[:outputs, : source.in_channels] += source.kernel()
        bias[:outputs] = source.conv.bias
    change[outputs:] = 0.0
    target.conv.weight += change


def _residual(config: PlainSRConfig) -> nn.Conv2d:
    side = config.residual_kernel
    return nn.Conv2d(3, 3 * config.scale**2, side, padding=side // 2)


def _copy_pixels(conv: nn.Conv2d, scale: int) -> None:
    """Make `conv` copy each input pixel to its s x s output pixels (nearest neighbour, colour-major channels)."""
    assert conv.bias is not None
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.zero_()
        for colour in range(3):
            middle = conv.kernel_size[0] // 2
            conv.weight[colour * scale**2 : (colour + 1) * scale**2, colour, middle, middle] = 1.0
