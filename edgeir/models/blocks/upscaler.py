"""The frame of EDSR and RCAN: head, residual blocks, a 3x3 with a skip around all of them, enlargement, tail."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from edgeir.models.base import Network
from edgeir.models.blocks.upsample import ShuffleUpsampler

__all__ = ["FRAME_REACH", "ResidualUpscaler"]

FRAME_REACH = 4
"""Receptive radius of the frame without its blocks: two pixels for head and body, less than two more for upsampler and
tail."""


class ResidualUpscaler(Network):
    """(N, 3, h, w) -> (N, 3, s·h, s·w), not clipped.

    Args:
        channels: width of the features.
        scale: enlargement per side.
        blocks: what lies between head and body, each keeping the shape.
        unit: name of a block in the names of taps.
    """

    def __init__(
        self,
        channels: int,
        scale: int,
        blocks: Sequence[nn.Module],
        *,
        unit: str,
    ) -> None:
        super().__init__()
        self._unit = unit
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList(blocks)
        self.body = nn.Conv2d(channels, channels, 3, padding=1)
        self.upsampler = ShuffleUpsampler(channels, scale)
        self.tail = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        head = self.head(x)
        features = head
        for block in self.blocks:
            features = block(features)
        out: torch.Tensor = self.tail(self.upsampler(self.body(features) + head))
        return out

    def taps(self) -> dict[str, nn.Module]:
        return {
            "head": self.head,
            **{f"{self._unit}.{index}": block for index, block in enumerate(self.blocks)},
            "body": self.body,
            "upsampler": self.upsampler,
        }
