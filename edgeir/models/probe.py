"""Find out what a network is by running it: scale, channels, size multiple, receptive field, where tiles may start.

Everything is conservative: what is found may be larger than what the network needs, never smaller.

- The **receptive field** is found with NaN. A network is run on an image with one column of NaN: every output pixel
  that reads this column, however small its weight, is NaN too, through ReLUs and pooling as well. A gradient would miss
  what a ReLU switches off on this image. If all of a strip of `LONGEST_STRIP` pixels is NaN, the network reads the
  whole image (`WHOLE_IMAGE`).
- Where **tiles may start** is found by comparing the output of a shifted image with the shifted output, at distances
  from the border beyond the receptive field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from edgeir.core.errors import ConfigError

__all__ = ["WHOLE_IMAGE", "Probed", "probe"]

Call = Callable[[torch.Tensor], torch.Tensor]

WHOLE_IMAGE = "an operation on the whole image"
"""In `NetworkFacts.global_operations`: which operation it is cannot be seen from outside."""

LONGEST_STRIP = 2048
_STRIPS = (128, 512, 1024, LONGEST_STRIP)
_LEAST = 48
"""Smallest side that is tried."""
_MULTIPLES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 48, 64, 128)
_TOLERANCE = 1e-4
"""Of the output's largest value: shifted images may be summed in another order."""


@dataclass(frozen=True)
class Probed:
    """What was found; the names are those of `NetworkFacts`."""

    channels: int
    net_scale: int
    size_multiple: int
    receptive_radius: int
    tile_multiple: int
    global_operations: tuple[str, ...]


def probe(
    call: Call,
    *,
    channels: int | None = None,
    size_multiple: int | None = None,
    receptive_radius: int | None = None,
    where: str,
) -> Probed:
    """Probe a function from (1, C, h, w) to (1, C, s·h, s·w), in eval mode, on the CPU.

    Args:
        channels, size_multiple, receptive_radius: what is known already and is not probed.
        where: the network, for the error.

    Raises:
        ConfigError: no image size that was tried works, or no image of the same number of channels comes out.
    """
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        count, scale, multiple = _shape(call, channels, size_multiple, where)
        radius = receptive_radius
        if radius is None:
            radius = _radius(call, count, scale, multiple, {0, multiple - 1, multiple // 2})
        if radius is None:
            return Probed(count, scale, multiple, 0, 1, (WHOLE_IMAGE,))
        # Windows that are cut by the size of the image lie elsewhere in a shifted one, unless the size fits them.
        for unit in (multiple,) if size_multiple else (multiple * 2**power for power in range(7)):
            step = _tile_multiple(call, count, scale, unit, radius)
            if step is None:
                continue
            if receptive_radius is None and step > 1:  # where in its window a pixel lies, matters
                offsets = {*range(0, step, max(1, step // 8)), step - 1}
                radius = max(radius, _radius(call, count, scale, unit, offsets) or radius)
            return Probed(count, scale, unit, radius, step, ())
    return Probed(count, scale, multiple, radius, 1, (WHOLE_IMAGE,))


def _shape(call: Call, channels: int | None, size_multiple: int | None, where: str) -> tuple[int, int, int]:
    """(channels, scale, size multiple)."""
    first: Exception | str | None = None
    for count in (channels,) if channels else (3, 1):
        for multiple in (size_multiple,) if size_multiple else _MULTIPLES:
            try:
                scales = {_scale_at(call, count, sides) for sides in _sizes(multiple)}
            except Exception as error:  # whatever somebody else's code raises
                first = first or error
                continue
            if len(scales) == 1 and (scale := scales.pop()) is not None:
                return count, scale, multiple
            first = first or "its output is no image of the same channels, a whole number of times as large"
    reason = " ".join(str(first).split())[:200]
    raise ConfigError(
        [f"no image that was tried goes through it: {reason}"],
        where=where,
        fix="a network takes (N, C, h, w) and returns (N, C, s·h, s·w); state size_multiple if it needs one above 128",
    )


def _sizes(multiple: int) -> Iterator[tuple[int, int]]:
    """Sizes that are odd multiples, not square, so that a larger multiple or mixed-up sides show."""
    units = -(-_LEAST // multiple) | 1
    yield units * multiple, (units + 2) * multiple
    yield (units + 4) * multiple, units * multiple


def _scale_at(call: Call, channels: int, sides: tuple[int, int]) -> int | None:
    out: Any = call(torch.rand(1, channels, *sides))
    if not isinstance(out, torch.Tensor) or out.ndim != 4 or out.shape[:2] != (1, channels):
        return None
    scale = out.shape[2] // sides[0]
    fits = scale >= 1 and tuple(out.shape[2:]) == (sides[0] * scale, sides[1] * scale)
    return scale if fits else None


def _radius(call: Call, channels: int, scale: int, multiple: int, offsets: set[int]) -> int | None:
    """Pixels to each side that an output pixel depends on, as seen from columns at `offsets` from a multiple of
    `multiple`; None: the whole image."""
    for length in _STRIPS:
        reached = [
            _reach(call, channels, scale, multiple, length, vertical=vertical, offset=offset)
            for vertical in (False, True)
            for offset in sorted(offsets)
        ]
        if all(reach is not None for reach in reached):
            return max(reach for reach in reached if reach is not None)
    return None


def _strip(channels: int, multiple: int, length: int, thickness: int, *, vertical: bool) -> torch.Tensor:
    # Odd multiples, so that a network that needs a larger multiple does not get it by chance.
    long, short = ((-(-side // multiple) | 1) * multiple for side in (length, thickness))
    return torch.rand(1, channels, *((long, short) if vertical else (short, long)))


def _run(call: Call, strip: Callable[[int], torch.Tensor]) -> torch.Tensor:
    """The output of a strip, as thin as the network takes it: some pad by reflection, and need a certain size."""
    for thickness in (3, 8, 32):
        try:
            return call(strip(thickness))
        except Exception:  # whatever somebody else's code raises: a thicker strip may work
            continue
    return call(strip(64))


def _reach(
    call: Call, channels: int, scale: int, multiple: int, length: int, *, vertical: bool, offset: int
) -> int | None:
    """How far the NaN of one column is seen; None where it is seen at an end of the strip."""
    centre = length // 2 // multiple * multiple + offset

    def strip(thickness: int) -> torch.Tensor:
        x = _strip(channels, multiple, length, thickness, vertical=vertical)
        x.narrow(2 if vertical else 3, centre, 1).fill_(torch.nan)
        return x

    out = _run(call, strip)
    seen = out.isnan().any(3 if vertical else 2)[0].any(0).nonzero().flatten() // scale
    if not len(seen):
        return 0
    if int(seen.min()) == 0 or int(seen.max()) == out.shape[2 if vertical else 3] // scale - 1:
        return None
    return int((seen - centre).abs().max())


def _tile_multiple(call: Call, channels: int, scale: int, multiple: int, radius: int) -> int | None:
    """The smallest step by which the image may be shifted; None where there is none among those tried."""
    steps = [step for step in _MULTIPLES if step % multiple == 0] or [multiple]
    for step in steps:
        if all(
            _shifts(call, channels, scale, multiple, radius, step, vertical=vertical)
            for vertical in (False, True)
        ):
            return step
    return None


def _shifts(
    call: Call, channels: int, scale: int, multiple: int, radius: int, step: int, *, vertical: bool
) -> bool:
    axis = 2 if vertical else 3
    length = 2 * radius + 4 * max(step, 16)
    state = torch.get_rng_state()

    def whole(thickness: int) -> torch.Tensor:
        torch.set_rng_state(state)  # the same image for the second run
        return _strip(channels, multiple, length, thickness, vertical=vertical)

    def shifted(thickness: int) -> torch.Tensor:
        x = whole(thickness)
        return x.narrow(axis, step, x.shape[axis] - step)

    try:
        one, two = _run(call, whole), _run(call, shifted)
    except Exception:  # the network does not take the smaller size
        return False
    inside = one.shape[axis] // scale - step - 2 * radius
    one = one.narrow(axis, (step + radius) * scale, inside * scale)
    two = two.narrow(axis, radius * scale, inside * scale)
    if one.shape != two.shape:
        return False
    return bool((one - two).abs().max() <= _TOLERANCE * max(1.0, float(one.abs().max())))
