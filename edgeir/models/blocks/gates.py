"""Gates for stacks of 3x3 convolutions, chosen by what they cost in 8 bits on a phone.

With x the layer's input and o its convolution's output, a gated layer gives:

| kind | output | source |
|---|---|---|
| `local` | ReLU(o) · up(2 σ(depthwise 3x3(8x8 maximum of ReLU(o)))) | ExpandRepNet's gate by its own pool, simplified |
| `product` | x + ReLU6(o) · x | a gate without parameters, as SPAN's (Wan et al., CVPRW 2024) |
| `tanh` | tanh(o) · (o + x) | the same with SPAN's skip inside |
| `pair` | ReLU6(o) · o', o' of a second convolution | ReGLU (Shazeer, 2020), with the upper bound that 8 bits want |
| `residual` | ReLU(o) + the input of the group of layers that ends here | ResNet (He et al., 2016) |

Decided here:

- The sigmoid of the local gate is taken on the coarse map, where it costs a 64th; the map is enlarged bilinearly.
- The local gate begins with weights of zero: it multiplies by one, so that a plain network can be continued with it.
- The cells of the local gate lie at multiples of 8 pixels from the image's upper left corner. A network with such gates
  gives them features of whole cells: its image is continued with zeros up to a multiple of 8 (`whole_cells`), and the
  features are cut back. Nothing of this happens where 8 divides the sides.
"""

from __future__ import annotations

import copy
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from edgeir.models.blocks.image_grid import enlarged, is_open, sides
from edgeir.models.blocks.reparam import ReparamConv

__all__ = ["CELL", "Body", "GateKind", "GatedLayer", "LocalGate", "cut_back", "reach", "whole_cells"]

GateKind = Literal["local", "product", "tanh", "pair", "residual"]

CELL = 8
"""Side in pixels of a cell of the local gate."""


class LocalGate(nn.Module):
    """x times a map in (0, 2) of its own maxima over cells: (N, C, H, W), H and W multiples of `CELL` -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        assert self.coarse.bias is not None
        with torch.no_grad():
            self.coarse.weight.zero_()
            self.coarse.bias.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maxima = F.max_pool2d(x, CELL, stride=CELL)
        return x * enlarged(2.0 * torch.sigmoid(self.coarse(maxima)), x)


class GatedLayer(nn.Module):
    """A 3x3 convolution with a gate in place of its ReLU, or behind it.

    Args:
        kind: see the module's table.
        conv: C to C.
        other: the second convolution of `pair`; None for all others.
    """

    def __init__(self, kind: GateKind, conv: ReparamConv, other: ReparamConv | None = None) -> None:
        super().__init__()
        assert (kind == "pair") == (other is not None)
        self.kind: GateKind = kind
        self.conv: nn.Module = conv
        self.other: nn.Module | None = other
        self.local = LocalGate(conv.out_channels) if kind == "local" else None

    def forward(self, x: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
        """
        Args:
            x: (N, C, H, W).
            start: the input of the group of layers that ends here, of x's shape; read by `residual` alone.
        """
        out: torch.Tensor = self.conv(x)
        if self.local is not None:
            gated: torch.Tensor = self.local(F.relu(out, inplace=True))
            return gated
        if self.other is not None:
            factor: torch.Tensor = self.other(x)
            return F.relu6(out) * factor
        if self.kind == "product":
            return x + F.relu6(out) * x
        if self.kind == "tanh":
            return torch.tanh(out) * (out + x)
        return start + F.relu(out)

    def fused(self) -> GatedLayer:
        """A copy with plain convolutions."""
        result = copy.deepcopy(self)
        assert isinstance(self.conv, ReparamConv)
        result.conv = self.conv.fuse()
        if isinstance(self.other, ReparamConv):
            result.other = self.other.fuse()
        return result


class Body(nn.ModuleList):
    """Layers in order, (N, C, H, W) -> the same; a `GatedLayer` ends a group of them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        start = x
        for layer in self:
            if isinstance(layer, GatedLayer):
                x = start = layer(x, start)
            else:
                x = layer(x)
        return x


def whole_cells(x: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) continued with zeros, to the right and below, up to multiples of `CELL`; as it is where they are."""
    below, right = (_lacking(side) for side in sides(x))
    return x if below is right is None else F.pad(x, (0, right or 0, 0, below or 0))


def cut_back(features: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """`features` without what `whole_cells` added to `like`."""
    height, width = sides(like)
    below, right = _lacking(height), _lacking(width)
    if below is right is None:
        return features
    if is_open(height) or is_open(width):  # of a slice torch cannot tell that it lies inside, for every size
        return F.pad(features, (0, -(right or 0), 0, -(below or 0)))
    return features[:, :, :height, :width]


def _lacking(side: int) -> int | None:
    """Pixels up to the next multiple of `CELL`; None where there are none for certain."""
    # As a number of cells, so that a graph for any size can tell that the pooling's windows are whole.
    lacking = CELL * ((side + CELL - 1) // CELL) - side
    return None if not is_open(side) and lacking == 0 else lacking


def reach(gates: list[bool]) -> int:
    """Pixels to each side that an output pixel depends on through 3x3 convolutions with local gates.

    Args:
        gates: for every convolution in order, whether a local gate follows it.

    Returns:
        The most over all places of a pixel in its cell. A gate reads whole cells: bilinear enlargement those on both
        sides of the pixel, the depthwise convolution one more on each side.
    """
    reached = []
    for place in range(CELL):
        first = last = place
        for gated in reversed(gates):
            if gated:
                first, last = CELL * ((first - 4) // CELL - 1), CELL * ((last - 4) // CELL + 3) - 1
            first, last = first - 1, last + 1
        reached.append(max(place - first, last - place))
    return max(reached)
