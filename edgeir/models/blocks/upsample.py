"""Learnt enlargement by sub-pixel convolution (ESPCN), in steps of two as EDSR and RCAN do it."""

from __future__ import annotations

from torch import nn

__all__ = ["ShuffleUpsampler"]


class ShuffleUpsampler(nn.Sequential):
    """3x3 to s² times the channels and pixel shuffle; x4 is x2 twice, x1 is nothing."""

    def __init__(self, channels: int, scale: int) -> None:
        steps = {1: [], 4: [2, 2]}.get(scale, [scale])
        layers: list[nn.Module] = []
        for step in steps:
            layers += [nn.Conv2d(channels, channels * step**2, 3, padding=1), nn.PixelShuffle(step)]
        super().__init__(*layers)
