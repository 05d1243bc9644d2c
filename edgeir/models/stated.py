"""A network that edgeir did not write: a module inside a `Network`, and facts that somebody states about it.

Stated by the author in a recipe (`edgeir.models.module`), or found by probing (`edgeir.models.probe`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import nn

from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.config import NetworkConfig

__all__ = ["StatedConfig", "WrappedNetwork"]


class StatedConfig(NetworkConfig):
    """Base of the configurations whose facts are fields."""

    task: str = Field(min_length=1)
    """Its task, such as ``denoising``."""
    scale: int = Field(1, ge=1, le=16)
    """Output pixels per degraded pixel, per side."""
    input_kind: Literal["lr", "bicubic"] = "lr"
    """``bicubic``: it takes the image enlarged by `scale` already, and its output has the size of its input."""
    colour: Literal["rgb", "y"] = "rgb"
    """``y`` for a network of one channel."""
    size_multiple: int = Field(1, ge=1, le=1024)
    """Height and width of its input must be multiples of this."""
    tile_multiple: int = Field(1, ge=1, le=1024)
    """Tiles must start at multiples of this, see `NetworkFacts.tile_multiple`."""
    receptive_radius: int = Field(ge=0, le=100_000)
    """Pixels to each side that an output pixel depends on."""
    global_operations: tuple[str, ...] = ()
    """Operations on the whole image, such as ``image mean``; a network with any is never run in tiles."""

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(
            task=self.task,
            scale=self.scale,
            input_kind=self.input_kind,
            colour=self.colour,
            size_multiple=self.size_multiple,
            tile_multiple=self.tile_multiple,
            receptive_radius=self.receptive_radius,
            global_operations=self.global_operations,
        )


class WrappedNetwork(Network):
    """(N, C, h, w) -> (N, C, s·h, s·w): somebody else's module."""

    def __init__(self, config: NetworkConfig, module: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.module(x)
        return out

    def taps(self) -> dict[str, nn.Module]:
        return {}

    def simplify(self) -> None:
        """See `Network.simplify`: normalisations that follow a convolution in a sequence become part of it."""
        for part in self.module.modules():
            if isinstance(part, nn.Sequential):
                _fuse_norms(part)


def _fuse_norms(sequence: nn.Sequential) -> None:
    children = list(sequence.named_children())
    for (name, conv), (after, norm) in pairwise(children):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None:
            sequence.add_module(name, torch.nn.utils.fusion.fuse_conv_bn_eval(conv.eval(), norm.eval()))
            sequence.add_module(after, nn.Identity())
