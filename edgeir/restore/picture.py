"""Restore one `Photo` in memory: window by window from its 8 or 16-bit samples into those of the result.

Beyond the two images only one window exists in floating point at a time. A grayscale photo goes through as three
equal channels and its result comes back as their luma (ITU-R BT.601, full range). Alpha is enlarged separately,
bicubically; a network never sees it. A network that expects the enlarged image gets each window enlarged just
before (`edgeir.restore.enlarge`). What a network reads of the whole photo is gathered in passes of their own first
(`edgeir.restore.statistics`), where the session can be told it; otherwise the photo is run in one piece.
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError, ConfigError
from edgeir.core.images import Photo
from edgeir.core.progress import Progress, no_progress
from edgeir.restore.enlarge import enlarge
from edgeir.restore.statistics import gather
from edgeir.restore.tiling import Plan, Window, cut, plan, read_window
from edgeir.runtime.session import Session, StagedSession

__all__ = ["DEFAULT_TILE", "plan_photo", "restore_photo"]

DEFAULT_TILE = 256
"""Side of a window, in pixels of the photo, where the network takes any size.

Torch takes as long per pixel from 96 to 384. For a window of under some 7,000 pixels (83 x 83) it adds up in another
order: the result is then equal to that of the whole image to 1e-6 and no longer to the last bit.
"""

WHOLE_LIMIT = 4_000_000
"""Largest network input, in pixels, that is run in one piece because the network reads the whole picture and cannot be
told what it would read."""

STRIP = 64
"""Rows converted at once: they stay in the processor's cache between the steps."""

ALLOCATOR_BLOCK = 31 << 20
"""Just under the largest block (32 MiB) whose release makes glibc keep more."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def plan_photo(height: int, width: int, session: Session, tile: int | None = None) -> Plan:
    """The windows for a photo of this size, in pixels of the network's own input.

    Args:
        tile: side of the largest window in pixels of the photo; only for a session that takes any size.

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
                fix="use a smaller photo, the checkpoint itself, or export with --statistics constant",
            )
        return plan(height, width, facts, fixed=None, largest=None)
    return plan(height, width, facts, fixed=None, largest=(tile or DEFAULT_TILE) * enlarged)


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
    enlarged = facts.scale // scale
    run, before, total = session.run, 0, len(windows)
    if isinstance(session, StagedSession) and _staged(session) and total > 1:
        before, total = total * session.stages, total * (session.stages + 1)
        steps = itertools.count()
        known = gather(
            session,
            windows,
            lambda row, column: _input(photo, row, column, enlarged),
            lambda: progress(next(steps), total, "measuring the whole photo"),
        )
        run = functools.partial(session.run_given, known=known)
    for done, (row, column) in enumerate(windows, before):
        progress(done, total, "restoring")
        output = run(_input(photo, row, column, enlarged))
        expected = tuple(side * scale for side in windows.size)
        if output.shape != (*expected, 3):
            raise ArtifactError(
                f"the output has the shape {output.shape}, not {(*expected, 3)}", where=session.name
            )
        place = pixels[row.first * scale : row.last * scale, column.first * scale : column.last * scale]
        _store(output[cut(row, scale), cut(column, scale)], place, session.name)
    progress(total, total, "restored")
    return Photo(pixels, _alpha(photo, facts.scale), photo.icc, photo.exif, photo.bits, photo.format)


def _staged(session: Session) -> bool:
    """The session can be told all that its network reads of the whole picture, for windows of any size."""
    return isinstance(session, StagedSession) and session.stages > 0 and session.fixed_size is None


def _keep_freed_memory() -> None:
    """Let the C library reuse a tile's memory for the next one.

    glibc gives freed memory back to the system above a threshold, and the next tile then pays for fresh pages: a third
    of the time with torch, which allocates every activation anew. The threshold follows the largest mapped block that
    was freed so far, so one block that is freed untouched raises it. Elsewhere this does nothing.
    """
    np.empty(ALLOCATOR_BLOCK, np.uint8)


def _input(photo: Photo, row: Window, column: Window, enlarged: int) -> NDArray[np.float32]:
    """One window as (h, w, 3) float32 in [0, 1]; the photo is enlarged by `enlarged` before."""
    if enlarged == 1:
        part: NDArray[Any] = read_window(photo.pixels, row, column)
    else:
        height, width = photo.height * enlarged, photo.width * enlarged
        rows, columns = (row.start, min(row.stop, height)), (column.start, min(column.stop, width))
        part = enlarge(photo.pixels, enlarged, rows, columns)
        missing = (row.stop - rows[1], column.stop - columns[1])
        if missing != (0, 0):
            part = np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    values = np.divide(part, np.float32(np.iinfo(part.dtype).max), dtype=np.float32)
    return np.repeat(values, 3, axis=2) if photo.gray else values


def _store(values: NDArray[np.float32], place: NDArray[Any], name: str) -> None:
    """Clip, round to the nearest level (half up) and write float RGB in [0, 1] into integer RGB or gray."""
    top = np.float32(np.iinfo(place.dtype).max)
    for first in range(0, len(values), STRIP):
        part = values[first : first + STRIP]
        levels = part * top if place.shape[2] == 3 else (part @ (LUMA * top))[:, :, None]
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
