"""Facts about a network for runtimes, tiling and benchmarks, known without loading it."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from edgeir.core.config import Config

__all__ = ["CONSTANT_OPERATIONS", "NetworkFacts"]

CONSTANT_OPERATIONS = frozenset({"image mean", "instance normalisation", "channel attention"})
"""Those of `NetworkFacts.global_operations` that are means and variances, which calibrated constants can replace."""


class NetworkFacts(Config):
    """Facts about a network for runtimes, tiling and benchmarks."""

    task: str = "super-resolution"
    scale: int = Field(1, ge=1)
    """Output pixels per **low-resolution** input pixel, per side."""
    input_kind: Literal["lr", "bicubic"] = "lr"
    """`bicubic`: the network expects the image already enlarged by `scale` (input size = output size)."""
    colour: Literal["rgb", "y"] = "rgb"
    """`y`: a network of one channel, which reads and gives luma (see `edgeir.imaging.luma`)."""
    value_range: tuple[float, float] = (0.0, 1.0)
    size_multiple: int = Field(1, ge=1)
    """Input height and width must be a multiple of this (in the network's own input pixels)."""
    tile_multiple: int = Field(1, ge=1)
    """Tiles must start at multiples of this, so that tiled output equals whole-image output: 8, for example, for a
    network of any size that pools over windows of 8. `size_multiple` need not be repeated here (see `tile_step`)."""
    receptive_radius: int = Field(0, ge=0)
    """Network-input pixels on each side that an output pixel depends on beyond its own input pixel."""
    sigma: float | None = None
    """Noise level, on the 0-255 scale, that a network assumes and that could be another; None for all others."""
    global_operations: tuple[str, ...] = ()
    """Operations that read the whole image (an image mean, instance statistics): tiles would change the result."""

    @property
    def tile_step(self) -> int:
        """Tiles start at multiples of this: `size_multiple` and `tile_multiple` together."""
        return math.lcm(self.size_multiple, self.tile_multiple)

    @property
    def may_be_constant(self) -> bool:
        """All its global operations can be made constant (`edgeir export --statistics constant`)."""
        return set(self.global_operations) <= CONSTANT_OPERATIONS

    @property
    def net_scale(self) -> int:
        """Output pixels per pixel of the network's **own** input (1 when the input is already enlarged)."""
        return self.scale if self.input_kind == "lr" else 1

    @property
    def channels(self) -> int:
        """Planes of the network's input and output."""
        return 1 if self.colour == "y" else 3
