"""DANet and DANet-S (Huang et al., "Learning Deformable and Attentive Network for image restoration", 2021).

A U-Net of three scales that changes resolution by the Haar transform. Its blocks (ADEB) take the offsets and masks of
their deformable convolution from the level's reference feature (AROB), whose state runs through encoder, bottleneck
and decoder and is resampled between levels (offsets are in pixels: halved going down, doubled going up). Every block
ends in dual attention.

The paper leaves widths and depths open; 80/128/192 channels with 6 blocks per level (DANet: 23.6 M parameters) or 3
per level and 5 at the bottom (DANet-S: 16.1 M) were fitted to its Table 7, 23.48 M / 1040.9 GMAC and 15.94 M / 571.1
GMAC at 480x320.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.blocks.attention import DualAttention
from edgeir.models.blocks.deformable import DeformableConv
from edgeir.models.blocks.wavelet import HaarJoin, HaarSplit, fold_join, fold_split
from edgeir.models.config import Depth, NetworkConfig, colour_of

__all__ = ["DANet"]

_REFERENCE = 32
_GROUPS = 8


class DANetConfig(NetworkConfig):
    """Configuration of `DANet`; the defaults are DANet-S."""

    kind: Literal["danet"] = "danet"
    scale: Literal[1] = 1
    channels: Literal[1, 3] = 3
    """1 for gray, 3 for colour."""
    widths: tuple[Annotated[int, Field(ge=_GROUPS, le=4096, multiple_of=_GROUPS)], ...] = Field(
        (80, 128, 192), min_length=1, max_length=8
    )
    """Channels per scale, multiples of the 8 groups of offsets."""
    blocks: Depth = 3
    """Per level of the encoder and of the decoder; 6 in the large DANet."""
    bottom_blocks: Depth = 5
    """At the smallest scale; 6 in the large DANet."""
    task: Literal["denoising", "jpeg", "super-resolution"] = "denoising"
    """What it is trained for."""

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(
            task=self.task,
            colour=colour_of(self.channels),
            size_multiple=2 ** (len(self.widths) - 1),
            # Offsets are learnt and unbounded, and the attention reads the whole image.
            global_operations=("channel attention", "deformable sampling"),
        )

    def build(self) -> DANet:
        return DANet(self)


class DeformableBlock(nn.Module):
    """ADEB: 3x3 ReLU, deformable 3x3 guided by the reference, ReLU, 3x3, 3x3; dual attention; two skips."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.offsets = nn.Conv2d(_REFERENCE, 27 * _GROUPS, 3, padding=1)
        nn.init.zeros_(self.offsets.weight)  # starts as an ordinary convolution with masks of one half
        assert self.offsets.bias is not None
        nn.init.zeros_(self.offsets.bias)
        self.deform = DeformableConv(channels, channels, _GROUPS)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv3 = nn.Conv2d(channels, channels, 3, padding=1)
        self.attention = DualAttention(channels)

    def forward(self, x: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
        guide = self.offsets(reference)
        offsets, masks = guide[:, : 18 * _GROUPS], torch.sigmoid(guide[:, 18 * _GROUPS :])
        moved = F.relu(self.deform(F.relu(self.conv1(x)), offsets, masks))
        details = self.conv3(self.conv2(moved))
        out: torch.Tensor = x + details + self.attention(details)
        return out


class Reference(nn.Module):
    """AROB: the level's features and the state so far to the next state."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.entry = nn.Conv2d(channels, _REFERENCE, 3, padding=1)
        self.join = nn.Conv2d(2 * _REFERENCE, _REFERENCE, 3, padding=1)
        self.attention = DualAttention(_REFERENCE)
        self.exit = nn.Conv2d(_REFERENCE, _REFERENCE, 3, padding=1)

    def forward(self, x: torch.Tensor, state: torch.Tensor | None) -> torch.Tensor:
        given = self.entry(x)
        if self.join.in_channels > _REFERENCE:
            given = torch.cat([given, torch.zeros_like(given) if state is None else state], 1)
        out: torch.Tensor = self.exit(self.attention(self.join(given)))
        return out

    def drop_state(self) -> None:
        """Remove the weights for the state, in place: the first level has no state."""
        join = nn.Conv2d(_REFERENCE, _REFERENCE, 3, padding=1)
        with torch.no_grad():
            join.weight.copy_(self.join.weight[:, :_REFERENCE])
            assert join.bias is not None
            assert self.join.bias is not None
            join.bias.copy_(self.join.bias)
        self.join = join


class Level(nn.Module):
    """The blocks of one scale in one direction, and their reference branch."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.reference = Reference(channels)
        self.blocks = nn.ModuleList(DeformableBlock(channels) for _ in range(blocks))

    def forward(self, x: torch.Tensor, state: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        state = self.reference(x, state)
        for block in self.blocks:
            x = block(x, state)
        return x, state


class DANet(Network):
    """(N, C, H, W) -> (N, C, H, W), sides a multiple of 2 per change of scale (4 by default), not clipped."""

    def __init__(self, config: DANetConfig) -> None:
        super().__init__()
        self.config: DANetConfig = config
        widths = config.widths
        self.head = nn.Conv2d(config.channels, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(Level(width, config.blocks) for width in widths[:-1])
        self.bottom = Level(widths[-1], config.bottom_blocks)
        self.decoder = nn.ModuleList(Level(width, config.blocks) for width in reversed(widths[:-1]))
        pairs = list(itertools.pairwise(widths))
        self.down = nn.ModuleList(nn.Conv2d(4 * wide, deep, 3, padding=1) for wide, deep in pairs)
        self.up = nn.ModuleList(nn.Conv2d(deep, 4 * wide, 3, padding=1) for wide, deep in reversed(pairs))
        self.split: nn.Module = HaarSplit()
        self.join: nn.Module = HaarJoin()
        self.tail = nn.Conv2d(widths[0], config.channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features, state = self.head(x), None
        skips = []
        for level, down in zip(self.encoder, self.down, strict=True):
            features, state = level(features, state)
            skips.append(features)
            features, state = down(self.split(features)), _resample(state, Fraction(1, 2))
        features, state = self.bottom(features, state)
        for level, up in zip(self.decoder, self.up, strict=True):
            features, state = self.join(up(features)) + skips.pop(), _resample(state, Fraction(2))
            features, state = level(features, state)
        out: torch.Tensor = x + self.tail(features)
        return out

    def simplify(self) -> None:
        """Fold the transforms into the adjacent convolutions; remove the empty state of the first level."""
        self.down = nn.ModuleList(fold_split(conv) for conv in self.down if isinstance(conv, nn.Conv2d))
        self.up = nn.ModuleList(fold_join(conv) for conv in self.up if isinstance(conv, nn.Conv2d))
        self.split, self.join = nn.Identity(), nn.Identity()
        first = self.encoder[0] if self.encoder else self.bottom
        assert isinstance(first, Level)
        first.reference.drop_state()

    def weights_from(self, other: Network) -> dict[str, torch.Tensor]:
        """As `Network.weights_from`; of an auto-encoder, its decoder (section 3.5)."""
        decoder = getattr(other, "decoder", None)
        return decoder.state_dict() if isinstance(decoder, DANet) else other.state_dict()

    def taps(self) -> dict[str, nn.Module]:
        levels = {
            **{f"encoder.{index}": level for index, level in enumerate(self.encoder)},
            "bottom": self.bottom,
            **{f"decoder.{index}": level for index, level in enumerate(self.decoder)},
        }
        last = {name: level.blocks[-1] for name, level in levels.items() if isinstance(level, Level)}
        return {"head": self.head, **last}


def _resample(state: torch.Tensor, factor: Fraction) -> torch.Tensor:
    """Resample to the next scale, bilinearly, and scale the values, which become offsets in pixels."""
    # In whole numbers: a graph for any size cannot round a side.
    size = [side * factor.numerator // factor.denominator for side in state.shape[2:]]
    return F.interpolate(state, size, mode="bilinear", align_corners=False) * float(factor)
