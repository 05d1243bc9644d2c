"""Cut an image into overlapping windows whose results put together equal one run over the whole image.

A convolution network pads with zeros at the border of what it is given, so an output pixel is right when its input
pixel is at least the receptive radius away from every side of the window. Neighbouring windows overlap by at least
twice the radius, and each gives its pixels up to the middle of the overlap. A network with strides repeats only every
`size_multiple` pixels, so windows measure multiples of it and start at multiples of `NetworkFacts.tile_step`.

There are two modes for the border of the image:

- **mirrored** (`edgeir restore`): the image continues beyond each side as its mirror image, by the receptive
  radius rounded up to `tile_step`. The network's zeros lie outside what any pixel of the image depends on: a flat
  image keeps one colour up to its border. Since every output pixel depends on the mirrored image alone, it does not
  matter where the windows lie, nor how much larger than the image the only size of an artifact is.
- **zero-padded** (`edgeir eval`, `edgeir bench`): the network's zero padding begins at the image's border, as for
  published figures. Windows lie inside the image. It is mirrored at its right and lower side only where pixels are
  missing: up to a multiple of `size_multiple`, or up to the end of the last window of an artifact of one size. In the
  latter case the result differs from that of a network of the image's own size within the receptive radius of those two
  sides.

In exact arithmetic tiled output equals whole-image output. A network computed in float32 may add up in another order
for another window size or number of threads, which changes a value by less than 1e-5 of the range: files are equal but
for single samples so close to the middle between two levels that they may come out as either. With windows of one
size, one number of threads, one machine and one version of the runtime the result is bit-exact.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.manifest.facts import NetworkFacts

__all__ = ["Axis", "Plan", "Window", "cut", "plan", "read_window", "reflected", "run_tiled"]

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
    """The windows along one axis; together they read [begin, end) of an image that has the pixels [0, length)."""

    length: int
    begin: int
    """Zero, or less where the image is mirrored."""
    end: int
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
    height: int,
    width: int,
    facts: NetworkFacts,
    *,
    fixed: tuple[int, int] | None,
    largest: int | None,
    mirrored: bool = False,
) -> Plan:
    """Windows for an image of this size.

    Args:
        height, width: of the network's input (the enlarged image where `facts.input_kind` is ``bicubic``).
        fixed: the only size that the network takes, None when it takes any.
        largest: with no fixed size, the side of the largest window in pixels; None means one window. Along a
            narrow image windows are longer, up to the same area. Windows are made as small as their number allows, so
            that the overlap costs little.
        mirrored: continue the image beyond its border by the receptive radius. It is left out where the network reads
            the whole image and takes this one size only, and is narrower where an artifact's size is too small for it.

    Raises:
        ArtifactError: the window is too small for the receptive field, or tiles would change the result because
            the network reads the whole image.
    """
    exact = fixed == (height, width) and bool(facts.global_operations)
    margin = facts.receptive_radius if mirrored and not exact else 0
    sides: tuple[int | None, int | None] = (largest, largest)
    if fixed is not None:
        sides = fixed
    elif largest is not None:
        extents = [_end(length, margin, facts) - _begin(margin, facts) for length in (height, width)]
        sides = max(largest, largest**2 // extents[1]), max(largest, largest**2 // extents[0])
    rows = _axis(height, sides[0], facts, margin, fixed=fixed is not None)
    columns = _axis(width, sides[1], facts, margin, fixed=fixed is not None)
    result = Plan(rows, columns)
    if facts.global_operations and (len(result) > 1 or (fixed is not None and not exact)):
        reads = ", ".join(facts.global_operations)
        raise ArtifactError(
            f"the network reads the whole image ({reads}), so a {height}x{width} image cannot be run "
            f"in windows of {result.size[0]}x{result.size[1]}",
            fix="use a checkpoint, an ONNX file of any size, "
            + (
                "or one with --statistics constant"
                if facts.may_be_constant
                else "or one that takes this size"
            ),
        )
    return result


def _axis(length: int, side: int | None, facts: NetworkFacts, margin: int, *, fixed: bool) -> Axis:
    multiple, radius = facts.tile_step, facts.receptive_radius
    begin, end = _begin(margin, facts), _end(length, margin, facts)
    if side is None or side >= end - begin:
        end = begin + side if fixed and side is not None else end
        return _single(length, begin, end)
    if not fixed:  # windows that start at multiples and end at the border have sides of this remainder
        side -= (side - (end - begin)) % multiple
    step = (side - 2 * radius) // multiple * multiple
    if step < 1 and fixed and side >= _up(length, facts.size_multiple):  # as much of the margin as it holds
        begin = -((side - length) // 2 // multiple * multiple)
        return _single(length, begin, begin + side)
    if step < 1:
        least = _up(2 * radius + multiple - (end - begin), multiple) + end - begin
        raise ArtifactError(
            f"a window of {side} pixels is too small for the network, whose receptive radius is {radius} pixels",
            fix=f"use at least {least} pixels",
        )
    if fixed:
        end = begin + side + _up(end - begin - side, multiple)
    count = 1 + -(-(end - begin - side) // step)
    if not fixed:
        side = _smallest(side, end - begin, count, multiple, radius)
    last = (end - begin - side) // multiple
    starts = [begin + last * index // (count - 1) * multiple for index in range(count)]
    middles = ((before + side + after) // 2 for before, after in itertools.pairwise(starts))
    cuts = [0, *(min(max(middle, 0), length) for middle in middles), length]
    windows = (
        Window(start, start + side, first, stop)
        for start, first, stop in zip(starts, cuts, cuts[1:], strict=False)
    )
    return Axis(length, begin, end, tuple(windows))


def _smallest(side: int, extent: int, count: int, multiple: int, radius: int) -> int:
    """The smallest side at which `count` windows, starting at multiples, cover `extent` pixels."""
    least = -(-(extent + (count - 1) * 2 * radius) // count)
    side = min(side, _up(least - extent, multiple) + extent)
    while (side - 2 * radius) // multiple * multiple * (count - 1) + side < extent:
        side += multiple
    return side


def _single(length: int, begin: int, end: int) -> Axis:
    return Axis(length, begin, end, (Window(begin, end, 0, length),))


def _begin(margin: int, facts: NetworkFacts) -> int:
    """A multiple of `tile_step`, so that the network's grid lies on the image as in a run without a margin."""
    return -_up(margin, facts.tile_step)


def _end(length: int, margin: int, facts: NetworkFacts) -> int:
    return _up(length + margin, facts.size_multiple)


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def reflected(window: Window, size: int) -> NDArray[np.intp]:
    """The pixels of an axis of `size` pixels that a window reads: beyond an end they come back, the last one first."""
    inside = np.mod(np.arange(window.start, window.stop), 2 * size)
    return np.where(inside >= size, 2 * size - 1 - inside, inside)


def read_window(image: NDArray[np.generic], row: Window, column: Window) -> NDArray[np.generic]:
    """The pixels of a window of an HWC image, mirrored where it leaves the image; a view where it does not."""
    height, width = image.shape[:2]
    if row.start >= 0 and row.stop <= height and column.start >= 0 and column.stop <= width:
        return image[row.start : row.stop, column.start : column.stop]
    return image[reflected(row, height)][:, reflected(column, width)]


def run_tiled(
    run: Run, image: NDArray[np.float32], facts: NetworkFacts, tile: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """Run a network over an image of any size, zero-padded at the image's border (see the module's text).

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
        target = (
            slice(row.first * scale, row.last * scale),
            slice(column.first * scale, column.last * scale),
        )
        result[target] = output[cut(row, scale), cut(column, scale)]
    return result


def cut(window: Window, scale: int) -> slice:
    """Where the pixels that a window gives lie in its output."""
    return slice((window.first - window.start) * scale, (window.last - window.start) * scale)
