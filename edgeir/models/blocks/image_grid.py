"""Maps on a coarse grid that is laid over the whole image, and their enlargement to its size.

The places of the grid's cells follow from the height and width of the image, so that a tile, which has other sides,
gets slightly other values than the whole image: `GRID` is among the global operations of such a network.

Where the published networks are not defined, on images smaller than one cell, the border is repeated (`continued`), or
the one cell is as large as the image (`grid_maximum`).
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
import torch.nn.functional as F

__all__ = ["GRID", "continued", "enlarged", "grid_maximum", "is_open", "sides", "spread"]

GRID = "grid over the image"
"""In `NetworkFacts.global_operations`."""


def sides(x: torch.Tensor) -> tuple[int, int]:
    """Height and width: numbers, or in a graph for any size what stands for them (`is_open`)."""
    height, width = x.shape[2:]
    jit: Any = torch.jit
    if jit.is_tracing():  # a traced graph is of one size
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", jit.TracerWarning)
            return int(height), int(width)
    return height, width


def is_open(side: object) -> bool:
    """Whether a side is a symbol of `torch.export`, not a number."""
    return isinstance(side, torch.SymInt)


def continued(x: torch.Tensor, side: int) -> torch.Tensor:
    """(N, C, H, W) with its last row and column repeated up to `side` rows and columns; as it is where it has them."""
    height, width = sides(x)
    if height >= side and width >= side:
        return x
    return F.pad(x, (0, max(0, side - int(width)), 0, max(0, side - int(height))), mode="replicate")


def enlarged(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A map enlarged bilinearly (corners not aligned) to the height and width of `like`."""
    return F.interpolate(x, sides(like), mode="bilinear", align_corners=False)


def grid_maximum(x: torch.Tensor, cell: int) -> torch.Tensor:
    """Maximum over each of ``(H // cell, W // cell)`` windows of about `cell` pixels, at least one along each side.

    Windows are those of `torch.nn.AdaptiveMaxPool2d`: from floor(i H / n) to ceil((i + 1) H / n), of unequal length and
    overlapping where `cell` does not divide the side. Written as a choice of rows, then columns, and a plain pooling,
    which can be recorded for any size; where `cell` divides both sides it is the pooling alone.
    """
    height, width = sides(x)
    if _divides(cell, height, width):
        return F.max_pool2d(x, cell, stride=cell)  # Core ML's converter wants the stride
    return _maximum_along(_maximum_along(x, 2, height, cell), 3, width, cell)


def _maximum_along(x: torch.Tensor, axis: int, length: int, cell: int) -> torch.Tensor:
    count = _cells(length, cell)
    # Of a window: that of a side of 2 cell - 1 pixels is the longest.
    longest = 2 * cell - 1 if is_open(length) else min(length, -(-length // count) + 1)
    number = torch.arange(count * longest, device=x.device)
    window = number // longest
    first = window * length // count
    last = ((window + 1) * length + count - 1) // count - 1
    # A shorter window repeats its last pixel, which does not change its maximum.
    places = torch.minimum(first + number % longest, last)
    kernel = (longest, 1) if axis == 2 else (1, longest)
    return F.max_pool2d(x.index_select(axis, places), kernel, stride=kernel)


def spread(x: torch.Tensor, like: torch.Tensor, cell: int) -> torch.Tensor:
    """A map of `grid_maximum`'s size enlarged to that of `like`, each pixel by its nearest value."""
    height, width = sides(like)
    if _divides(cell, height, width):
        return F.interpolate(x, scale_factor=float(cell), mode="nearest")
    if not (is_open(height) or is_open(width)):
        return F.interpolate(x, (height, width), mode="nearest")
    return _nearest_along(_nearest_along(x, 2, height, cell), 3, width, cell)


def _nearest_along(x: torch.Tensor, axis: int, length: int, cell: int) -> torch.Tensor:
    """As torch's nearest interpolation, with its rounding: in float32."""
    count = _cells(length, cell)
    number = torch.arange(length, device=x.device)
    ratio = torch.ones_like(number, dtype=torch.float32) * count / length
    places = torch.floor(number.float() * ratio).long()
    return x.index_select(axis, torch.minimum(places, torch.ones_like(places) * (count - 1)))


def _divides(cell: int, height: int, width: int) -> bool:
    if is_open(height) or is_open(width):
        return False
    return height % cell == width % cell == 0


def _cells(length: int, cell: int) -> int:
    return length // cell if is_open(length) else max(length // cell, 1)
