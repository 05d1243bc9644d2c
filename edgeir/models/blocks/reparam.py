"""A 3x3 convolution trained with several linear branches that fuse into one kernel.

The branches follow RepVGG (identity, 1x1), SESR (a wide linear 3x3 -> 1x1 expansion) and ECBSR (a 1x1
followed by fixed Sobel and Laplacian filters). All are linear, so edgeir adds the **kernels**, not the
outputs: the training graph runs one convolution whatever the number of branches. Training therefore costs
what the plain convolution costs, training and deployed form are equal by construction, and fusing a biased
1x1 -> 3x3 pair (zero padding in between) cannot cause errors at the border.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["Branch", "ReparamConv", "load_across_branches"]

Branch = Literal["expand", "pointwise", "identity", "edge"]

_EDGE_FILTERS = (
    ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0)),
    ((1.0, 2.0, 1.0), (0.0, 0.0, 0.0), (-1.0, -2.0, -1.0)),
    ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0)),
)


class ReparamConv(nn.Module):
    """3x3 convolution, stride 1, zero padding to the same size, with reparametrised linear branches.

    Args:
        in_channels, out_channels: as in `torch.nn.Conv2d`.
        branches: which branches to add to the plain 3x3 kernel; `identity` needs equal channel counts and is
            left out elsewhere.
        expansion: width of the `expand` branch as a multiple of the larger channel count.
        dilation: distance in pixels between the kernel's taps, the same for all branches.
    """

    unit: torch.Tensor
    middle: torch.Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        branches: tuple[Branch, ...] = (),
        expansion: int = 4,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.dilation = in_channels, out_channels, dilation
        self.conv = self._plain()
        self.has_identity = "identity" in branches and in_channels == out_channels
        self._branches = bool(branches)
        if branches:
            with torch.no_grad():  # the branches add variance; keep the sum near the plain layer's
                self.conv.weight.mul_(math.sqrt(0.5))
        if "expand" in branches:
            wide = expansion * max(in_channels, out_channels)
            self.expand = nn.Parameter(torch.randn(wide, in_channels, 3, 3) / math.sqrt(9 * in_channels))
            self.project = nn.Parameter(torch.randn(out_channels, wide) * 0.5 / math.sqrt(wide))
        if "pointwise" in branches or self.has_identity:  # a 1x1 kernel times this is a 3x3 one, as a matrix
            unit, middle = torch.eye(in_channels), torch.zeros(in_channels, 9, in_channels)
            middle[:, 4] = unit
            self.register_buffer("unit", unit, persistent=False)
            self.register_buffer("middle", middle.flatten(1), persistent=False)
        if "pointwise" in branches:
            self.pointwise = nn.Parameter(torch.zeros(out_channels, in_channels))
        if "edge" in branches:
            filters = torch.tensor(_EDGE_FILTERS)
            self.register_buffer(
                "filters", filters / filters.abs().sum((1, 2), keepdim=True), persistent=False
            )
            self.edge = nn.Parameter(torch.zeros(len(_EDGE_FILTERS), out_channels, in_channels))

    def _plain(self) -> nn.Conv2d:
        return nn.Conv2d(
            self.in_channels, self.out_channels, 3, padding=self.dilation, dilation=self.dilation
        )

    def kernel(self) -> torch.Tensor:
        """The fused kernel, (out, in, 3, 3).

        Composed in the layout that channels-last convolutions want, (out, 3, 3, in), as sums of matrix products, and in
        float32 also under mixed precision: the sum of the branches must not be rounded more than once.
        """
        if not self._branches:
            return self.conv.weight
        with torch.autocast(self.conv.weight.device.type, enabled=False):
            weight = _matrix(self.conv.weight)
            if hasattr(self, "expand"):
                weight = torch.addmm(weight, self.project, _matrix(self.expand))
            if hasattr(self, "edge"):
                weight = weight + torch.einsum("foi,fkl->okli", self.edge, self.filters).flatten(1)
            centre: torch.Tensor | None = self.pointwise if hasattr(self, "pointwise") else None
            if self.has_identity:
                centre = self.unit if centre is None else centre + self.unit
            if centre is not None:
                weight = torch.addmm(weight, centre, self.middle)
            return weight.reshape(self.out_channels, 3, 3, self.in_channels).permute(0, 3, 1, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.kernel(), self.conv.bias, padding=self.dilation, dilation=self.dilation)

    def fuse(self) -> nn.Conv2d:
        """The equivalent plain convolution, with parameters of its own."""
        plain = self._plain()
        bias = self.conv.bias
        assert plain.bias is not None
        assert bias is not None
        with torch.no_grad():
            plain.weight.copy_(self.kernel())
            plain.bias.copy_(bias)
        return plain


def _matrix(kernel: torch.Tensor) -> torch.Tensor:
    """(out, in, 3, 3) to (out, 9 in), a view of a channels-last kernel."""
    return kernel.permute(0, 2, 3, 1).flatten(1)


@torch.no_grad()
def load_across_branches(target: nn.Module, source: nn.Module) -> None:
    """Give `target` the weights of `source`, a network that differs in the branches of its `ReparamConv` alone.

    What those of `target` do not make up, its plain kernel does; without branches it is exactly the fused kernel.
    """
    target.load_state_dict(source.state_dict(), strict=False)
    for given, own in zip(_reparametrised(source), _reparametrised(target), strict=True):
        own.conv.weight.copy_(given.kernel() - (own.kernel() - own.conv.weight))


def _reparametrised(network: nn.Module) -> list[ReparamConv]:
    return [module for module in network.modules() if isinstance(module, ReparamConv)]
