"""Blueprint separable convolution (Haase and Amthor, CVPR 2020), as in BSRN: a 1x1, then a depthwise 3x3."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["BlueprintConv"]


class BlueprintConv(nn.Module):
    """1x1 without bias, then depthwise 3x3 with bias; no activation between.

    Args:
        in_channels, out_channels: as in `torch.nn.Conv2d`.
        stride, padding: of the depthwise convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, padding: int = 1) -> None:
        super().__init__()
        self.mix = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.depthwise = nn.Conv2d(
            out_channels, out_channels, 3, stride=stride, padding=padding, groups=out_channels
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.depthwise(self.mix(x))
        return out
