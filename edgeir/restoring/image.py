"""Restore one `Photo` in memory: window by window from its 8 or 16-bit samples into those of the result.

Beyond the two images only one window exists in floating point at a time. A grayscale photo goes through as three
equal channels and its result comes back as their luma (ITU-R BT.601, full range). Alpha is enlarged separately,
bicubically; a network never sees it. A network that expects the enlarged image gets each window enlarged just
before (`edgeir.imaging.resize`). What a network reads of the whole photo is gathered in passes of their own first
(`edgeir.restoring.global_statistics`), where the session can be told it; otherwise the photo is run in one piece.

A network of one channel takes a gray photo as it is. Of a colour photo it restores the luma, and the colour
differences stay (enlarged bicubically where it enlarges). A denoiser runs on red, green and blue in turn instead: noise
is in all three, and what it left in the colour differences would stay visible.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError, ConfigError
from edgeir.core.progress import Progress, no_progress
from edgeir.imaging.files import Photo
from edgeir.imaging.luma import LUMA, luma_of, with_luma
from edgeir.imaging.resize import enlarge
from edgeir.restoring.global_statistics import gather, passes
from edgeir.restoring.tiling import Plan, Run, Window, cut, plan, read_window
from edgeir.runtime.session import Session, StagedSession

__all__ = ["DEFAULT_TILE", "plan_photo", "restore_photo"]

DEFAULT_TILE = 256
"""Side of a window, in pixels of the photo, where the network takes any size; larger for networks that see far.

Torch takes as long per pixel from 96 to 384. For a window of under some 7,000 pixels (83 x 83) it adds up in another
order: the result is then equal to that of the whole image to 1e-6 and no longer to the last bit.
"""

TILE_PER_RADIUS = 8
"""Smallest window of a network that sees far, in receptive radii: what is computed twice stays under 1.8 times."""

WHOLE_LIMIT = 4_000_000
"""Largest network input, in pixels, that is run in one piece because the network reads the whole picture and cannot be
told what it would read."""

STRIP = 64
"""Rows converted at once: they stay in the processor's cache between the steps."""

ALLOCATOR_BLOCK = 31 << 20
"""Just under the largest block (32 MiB) whose release makes glibc keep more."""


def plan_photo(height: int, width: int, session: Session, tile: int | None = None) -> Plan:
    """The windows for a photo of this size, in pixels of the network's own input.

    Args:
        tile: side of the largest window in pixels of the photo; only for a session that takes any size. By default
            `DEFAULT_TILE`, or more for a network with a large receptive radius.

    Raises:
        ArtifactError: the network reads the whole picture and that is too large, or the tile is too small.
        ConfigError: a tile was given, but the session takes one size only.
    """
    facts = session.facts
    enlarged = facts.scale if facts.input_kind == "bicubic" else 1
    height, width = height * enlarged, width * enlarged
    if session.fixed_size is not None:
        if tile is not None:
            rows, columns = session.fixed_size
            raise ConfigError(
                [f"a tile size cannot be chosen: the artifact takes {rows}x{columns} only"],
                where=session.name,
                fix="leave the tile size out, or export with another --size",
            )
        return plan(height, width, facts, fixed=session.fixed_size, largest=None)
    if _staged(session):  # tiles are exact once the statistics are known
        facts = facts.model_copy(update={"global_operations": ()})
    if facts.global_operations:
        if height * width > WHOLE_LIMIT:
            raise ArtifactError(
                f"the network reads the whole picture ({', '.join(facts.global_operations)}), so it cannot run in "
                f"tiles, and {height * width / 1e6:.1f} megapixels are over the limit of {WHOLE_LIMIT / 1e6:.0f}",
                where=session.name,
                fix="use the checkpoint itself, or export with --statistics constant"
                if facts.may_be_constant
                else "use a smaller photo",
            )
        return plan(height, width, facts, fixed=None, largest=None)
    least = -(-TILE_PER_RADIUS * facts.receptive_radius // enlarged)
    return plan(height, width, facts, fixed=None, largest=(tile or max(DEFAULT_TILE, least)) * enlarged)


def restore_photo(
    photo: Photo, session: Session, *, tile: int | None = None, progress: Progress = no_progress
) -> Photo:
    """Run `photo` through a network.

    Args:
        tile: see `plan_photo`.
        progress: called with the windows done, in all passes together.

    Returns:
        A photo `facts.scale` times as large with the same depth, colour or gray, alpha, ICC profile and EXIF.

    Raises:
        ArtifactError: see `plan_photo`; or the network's output is not finite or not of the promised size.
        ConfigError: see `plan_photo`.
    """
    facts = session.facts
    windows = plan_photo(photo.height, photo.width, session, tile)
    size = (photo.height * facts.scale, photo.width * facts.scale)
    _keep_freed_memory()
    pixels = np.empty((*size, photo.pixels.shape[2]), photo.pixels.dtype)
    scale = facts.net_scale
    run: Run = session.run
    before, total = 0, len(windows)
    if isinstance(session, StagedSession) and _staged(session) and total > 1:
        before = total * passes(session)
        total += before
        steps = itertools.count()
        known = gather(
            session,
            windows,
            lambda row, column: _three(_input(photo, row, column, facts.scale // scale)),
            lambda: progress(min(next(steps), before), total, "measuring the whole photo"),
        )
        run = functools.partial(session.run_given, known=known)
    for done, (row, column) in enumerate(windows, before):
        progress(done, total, "restoring")
        given = _input(photo, row, column, facts.scale // scale)
        output = _run(run, session, given)[cut(row, scale), cut(column, scale)]
        rows, columns = ((window.first * scale, window.last * scale) for window in (row, column))
        if output.shape[2] == 1 and not photo.gray:
            output = with_luma(_enlarged(photo, rows, columns, facts.scale), output)
        place = pixels[slice(*rows), slice(*columns)]
        _store(output, place, session.name)
    progress(total, total, "restored")
    return Photo(pixels, _alpha(photo, facts.scale), photo.icc, photo.exif, photo.bits, photo.format)


def _staged(session: Session) -> bool:
    """The session can be told all that its network reads of the whole (colour) picture, for windows of any size."""
    told = isinstance(session, StagedSession) and session.stages > 0
    return told and session.fixed_size is None and session.facts.channels == 3


def _three(given: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gray as three equal channels."""
    return np.repeat(given, 3, axis=2) if given.shape[2] == 1 else given


def _run(run: Run, session: Session, given: NDArray[np.float32]) -> NDArray[np.float32]:
    """One window, (h, w, C) of the photo's channels, through the network: (h·s, w·s, C), or 1 for the luma alone.

    Raises:
        ArtifactError: the output is not of the promised size.
    """
    facts = session.facts
    if facts.channels == 3:
        planes = [_three(given)]
    elif facts.task == "denoising":
        planes = [np.ascontiguousarray(given[:, :, index, None]) for index in range(given.shape[2])]
    else:
        planes = [luma_of(given)]
    outputs = [run(plane) for plane in planes]
    expected = (given.shape[0] * facts.net_scale, given.shape[1] * facts.net_scale, facts.channels)
    for output in outputs:
        if output.shape != expected:
            raise ArtifactError(
                f"the output has the shape {output.shape}, not {expected}", where=session.name
            )
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=2)


def _enlarged(
    photo: Photo, rows: tuple[int, int], columns: tuple[int, int], scale: int
) -> NDArray[np.float32]:
    """A part of the bicubically enlarged photo, float32 in [0, 1]; rows and columns in pixels of the result."""
    return _unit(enlarge(photo.pixels, scale, rows, columns))


def _unit(part: NDArray[Any]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.divide(part, np.float32(np.iinfo(part.dtype).max), dtype=np.float32)
    return values


def _keep_freed_memory() -> None:
    """Let the C library reuse a tile's memory for the next one.

    glibc gives freed memory back to the system above a threshold, and the next tile then pays for fresh pages: a third
    of the time with torch, which allocates every activation anew. The threshold follows the largest mapped block that
    was freed so far, so one block that is freed untouched raises it. Elsewhere this does nothing.
    """
    np.empty(ALLOCATOR_BLOCK, np.uint8)


def _input(photo: Photo, row: Window, column: Window, enlarged: int) -> NDArray[np.float32]:
    """One window as (h, w, C) float32 in [0, 1]; the photo is enlarged by `enlarged` before."""
    if enlarged == 1:
        part: NDArray[Any] = read_window(photo.pixels, row, column)
    else:
        height, width = photo.height * enlarged, photo.width * enlarged
        rows, columns = (row.start, min(row.stop, height)), (column.start, min(column.stop, width))
        part = enlarge(photo.pixels, enlarged, rows, columns)
        missing = (row.stop - rows[1], column.stop - columns[1])
        if missing != (0, 0):
            part = np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    return _unit(part)


def _store(values: NDArray[np.float32], place: NDArray[Any], name: str) -> None:
    """Clip, round to the nearest level (half up) and write float RGB in [0, 1] into integer RGB or gray."""
    top = np.float32(np.iinfo(place.dtype).max)
    for first in range(0, len(values), STRIP):
        part = values[first : first + STRIP]
        levels = (part @ (LUMA * top))[:, :, None] if part.shape[2] > place.shape[2] else part * top
        with np.errstate(invalid="ignore"):
            if not np.isfinite(levels.sum()):
                raise ArtifactError("the network's output has values that are not finite", where=name)
        np.clip(levels, 0, top, out=levels)
        levels += np.float32(0.5)
        np.copyto(place[first : first + STRIP], levels, casting="unsafe")


def _alpha(photo: Photo, scale: int) -> NDArray[Any] | None:
    if photo.alpha is None or scale == 1:
        return photo.alpha
    alpha = np.empty((photo.height * scale, photo.width * scale), photo.alpha.dtype)
    for first in range(0, len(alpha), STRIP * scale):  # in strips: the intermediate is floating point
        last = min(first + STRIP * scale, len(alpha))
        alpha[first:last] = enlarge(photo.alpha, scale, (first, last))
    return alpha
