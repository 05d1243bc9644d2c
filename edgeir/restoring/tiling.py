"""Cut an image into overlapping windows whose results put together equal one run over the whole image.

A convolution network pads with zeros at the border of what it is given, so an output pixel is right when its input
pixel is at least the receptive radius away from every side of the window, or when that side of the window is the
side of the image, where the whole-image run pads too. Hence windows lie inside the image (the last of a row or
column is moved back to end at the border, never padded), neighbours overlap by at least twice the radius, and
each gives its pixels up to the middle of the overlap. A network with strides repeats only every `size_multiple`
pixels, so windows measure multiples of it and start at multiples of `NetworkFacts.tile_step`.

Three cases need pixels that are not there: an image whose side is no multiple of `size_multiple`, one smaller than
the only size that an artifact takes, and one in which windows of that only size, starting at multiples of
`tile_step`, cannot end at the border. It is then mirrored at its right and lower side and the result cropped. The
first is what "the whole image" means for such a network. In the others the result differs from that of a network of
the image's own size within the receptive radius of those two sides, and nowhere else.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.manifest.facts import NetworkFacts

__all__ = ["Axis", "Plan", "Window", "plan", "run_tiled"]

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Window:
    """One window along one axis, in pixels of the network's input; it reads [start, stop), gives [first, last)."""

    start: int
    stop: int
    first: int
    last: int


@dataclass(frozen=True)
class Axis:
    """The windows along one axis of an image of `length` pixels, mirrored up to `padded`."""

    length: int
    padded: int
    windows: tuple[Window, ...]

    @property
    def size(self) -> int:
        return self.windows[0].stop - self.windows[0].start


@dataclass(frozen=True)
class Plan:
    """The windows over an image, all of one size: `rows` x `columns`."""

    rows: Axis
    columns: Axis

    def __len__(self) -> int:
        return len(self.rows.windows) * len(self.columns.windows)

    def __iter__(self) -> Iterator[tuple[Window, Window]]:
        return ((row, column) for row in self.rows.windows for column in self.columns.windows)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every window."""
        return self.rows.size, self.columns.size


def plan(
    height: int, width: int, facts: NetworkFacts, *, fixed: tuple[int, int] | None, largest: int | None
) -> Plan:
    """Choose the windows.

    Args:
        height, width: of the network's input (the enlarged image where `facts.input_kind` is ``bicubic``).
        fixed: the only size that the network takes, None when it takes any.
        largest: with no fixed size, the side of the largest window in pixels; None means one window. Along a
            narrow image windows are longer, up to the same area. Windows are made smaller where as few of them
            suffice, so that the overlap costs little.

    Raises:
        ArtifactError: the window is too small for the receptive field, or tiles would change the result because
            the network reads the whole picture.
    """
    sides: tuple[int | None, int | None] = (largest, largest)
    if fixed is not None:
        sides = fixed
    elif largest is not None:
        sides = (
            max(largest, largest**2 // _up(width, facts.size_multiple)),
            max(largest, largest**2 // _up(height, facts.size_multiple)),
        )
    rows = _axis(height, sides[0], facts, fixed=fixed is not None)
    columns = _axis(width, sides[1], facts, fixed=fixed is not None)
    result = Plan(rows, columns)
    if facts.global_operations and (len(result) > 1 or (fixed is not None and fixed != (height, width))):
        reads = ", ".join(facts.global_operations)
        raise ArtifactError(
            f"the network reads the whole picture ({reads}), so a {height}x{width} image cannot be run "
            f"in windows of {result.size[0]}x{result.size[1]}",
            fix="use a checkpoint, an ONNX file of any size, "
            + (
                "or one with --statistics constant"
                if facts.may_be_constant
                else "or one that takes this size"
            ),
        )
    return result


def _axis(length: int, side: int | None, facts: NetworkFacts, *, fixed: bool) -> Axis:
    multiple, radius = facts.tile_step, facts.receptive_radius
    padded = _up(length, facts.size_multiple)
    if side is None or side >= padded:
        padded = side if fixed and side is not None else padded
        return Axis(length, padded, (Window(0, padded, 0, length),))
    if not fixed:  # windows that start at multiples and end at the border have sides of this remainder
        side -= (side - padded) % multiple
    step = (side - 2 * radius) // multiple * multiple
    if step < 1:
        raise ArtifactError(
            f"a window of {side} pixels is too small for the network, which sees {radius} pixels to each side",
            fix=f"use at least {_up(2 * radius + multiple - padded, multiple) + padded} pixels",
        )
    if fixed:
        padded = side + _up(padded - side, multiple)
    count = 1 + -(-(padded - side) // step)
    if not fixed:  # as few windows of the smallest size that does
        least = -(-(padded + (count - 1) * 2 * radius) // count)
        side = min(side, _up(least - padded, multiple) + padded)
        while (side - 2 * radius) // multiple * multiple * (count - 1) + side < padded:
            side += multiple
    last = (padded - side) // multiple
    starts = [last * index // (count - 1) * multiple for index in range(count)]
    cuts = [
        0,
        *((before + side + after) // 2 for before, after in itertools.pairwise(starts)),
        length,
    ]
    return Axis(
        length,
        padded,
        tuple(
            Window(start, start + side, min(first, length), min(end, length))
            for start, first, end in zip(starts, cuts, cuts[1:], strict=False)
        ),
    )


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def read_window(image: NDArray[np.generic], row: Window, column: Window) -> NDArray[np.generic]:
    """The pixels of a window, mirrored where it leaves the image (at the lower and right side)."""
    part = image[row.start : row.stop, column.start : column.stop]
    missing = (row.stop - row.start - part.shape[0], column.stop - column.start - part.shape[1])
    if missing == (0, 0):
        return part
    return np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")


def run_tiled(
    run: Run, image: NDArray[np.float32], facts: NetworkFacts, tile: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """Run a network over an image of any size.

    Args:
        run: (h, w, C) float32 to (h·s, w·s, C) float32, s = `facts.net_scale`, C = `facts.channels`.
        image: (H, W, C) float32, the network's own input.
        tile: the only size that `run` takes; None when it takes any, and the image then goes through whole,
            mirrored up to `facts.size_multiple`.

    Returns:
        (H·s, W·s, C) float32.

    Raises:
        ArtifactError: see `plan`.
    """
    height, width = image.shape[:2]
    scale = facts.net_scale
    windows = plan(height, width, facts, fixed=tile, largest=None)
    result = np.empty((height * scale, width * scale, facts.channels), np.float32)
    for row, column in windows:
        output = run(np.ascontiguousarray(read_window(image, row, column), dtype=np.float32))
        place = (slice(row.first * scale, row.last * scale), slice(column.first * scale, column.last * scale))
        result[place] = output[cut(row, scale), cut(column, scale)]
    return result


def cut(window: Window, scale: int) -> slice:
    """Where the pixels that a window gives lie in its output."""
    return slice((window.first - window.start) * scale, (window.last - window.start) * scale)
