"""Restore one `Photo` in memory: window by window from its 8 or 16-bit samples into those of the result.

Beyond the images (and a copy of one with hidden colours, see below) only one window exists in floating point at a time.
The photo is mirrored beyond its border, so that the zeros with which a network pads change nothing of it, and colours
under an alpha of zero are replaced (`edgeir.restoring.transparency`). `edgeir eval` does neither: published
figures are of zero-padded networks on opaque images.

A grayscale photo goes through as three equal channels and its result comes back as their luma (ITU-R BT.601, full
range). A network that expects the enlarged image gets each window enlarged just before. What a network reads of the
whole image is gathered first, of the photo's own pixels, in passes of their own (`edgeir.restoring.global_statistics`),
where the session accepts it. Otherwise the mirrored photo is run in one piece, and what is mirrored counts in those
statistics; an artifact that accepts one size only gets a photo of that size as it is.

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
from edgeir.restoring.tiling import Plan, Run, Window, cut, plan, reflected
from edgeir.restoring.transparency import KERNEL_REACH, bleed, enlarged_alpha
from edgeir.runtime.session import Session, StagedSession

__all__ = ["DEFAULT_TILE", "plan_photo", "restore_photo"]

DEFAULT_TILE = 256
"""Side of a window, in pixels of the photo, where the network takes any size; larger for networks that see far.

Torch takes as long per pixel from 96 to 384. How equal the results of other sides are: see `edgeir.restoring.tiling`.
"""

TILE_PER_RADIUS = 8
"""Smallest window in receptive radii: the overlap then multiplies the arithmetic by less than 1.8."""

WHOLE_LIMIT = 4_000_000
"""Largest network input, in pixels, that is run in one piece because the network reads the whole image and its session
does not accept global statistics."""

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
        ArtifactError: the network reads the whole image and that is too large, or the tile is too small.
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
        return plan(height, width, facts, fixed=session.fixed_size, largest=None, mirrored=True)
    if _staged(session):  # tiles are exact once the statistics are known
        facts = facts.model_copy(update={"global_operations": ()})
    if facts.global_operations:
        if height * width > WHOLE_LIMIT:
            raise ArtifactError(
                f"the network reads the whole image ({', '.join(facts.global_operations)}), so it cannot run in "
                f"tiles, and {height * width / 1e6:.1f} megapixels are over the limit of {WHOLE_LIMIT / 1e6:.0f}",
                where=session.name,
                fix="use the checkpoint itself, or export with --statistics constant"
                if facts.may_be_constant
                else "use a smaller photo",
            )
        return plan(height, width, facts, fixed=None, largest=None, mirrored=True)
    least = -(-TILE_PER_RADIUS * facts.receptive_radius // enlarged)
    largest = (tile or max(DEFAULT_TILE, least)) * enlarged
    return plan(height, width, facts, fixed=None, largest=largest, mirrored=True)


def restore_photo(
    photo: Photo, session: Session, *, tile: int | None = None, progress: Progress = no_progress
) -> Photo:
    """Run `photo` through a network.

    Args:
        tile: see `plan_photo`.
        progress: called with the windows done, in all passes together.

    Returns:
        A photo `facts.scale` times as large with the same depth, colour or gray, alpha and metadata.

    Raises:
        ArtifactError: see `plan_photo`; or the network's output is not finite or not of the promised size.
        ConfigError: see `plan_photo`.
    """
    facts = session.facts
    windows = plan_photo(photo.height, photo.width, session, tile)
    size = (photo.height * facts.scale, photo.width * facts.scale)
    _keep_freed_memory()
    scale, enlarged = facts.net_scale, facts.scale // facts.net_scale
    source = bleed(photo, -(-facts.receptive_radius // enlarged) + (KERNEL_REACH if enlarged > 1 else 0))
    pixels = np.empty((*size, photo.pixels.shape[2]), photo.pixels.dtype)
    run: Run = session.run
    before, total = 0, len(windows)
    if isinstance(session, StagedSession) and _staged(session):
        before = total * passes(session)
        total += before
        steps = itertools.count()
        known = gather(
            session,
            windows,
            lambda row, column: _three(_input(source, row, column, enlarged)),
            lambda: progress(min(next(steps), before), total, "gathering global statistics"),
        )
        run = functools.partial(session.run_with_statistics, statistics=known)
    for done, (row, column) in enumerate(windows, before):
        progress(done, total, "restoring")
        output = _run(run, session, _input(source, row, column, enlarged))[
            cut(row, scale), cut(column, scale)
        ]
        rows, columns = ((window.first * scale, window.last * scale) for window in (row, column))
        if output.shape[2] == 1 and not photo.gray:
            output = with_luma(_unit(enlarge(source, facts.scale, rows, columns)), output)
        _store(output, pixels[slice(*rows), slice(*columns)], session.name)
    progress(total, total, "restored")
    return photo.with_pixels(pixels, enlarged_alpha(photo, facts.scale))


def _staged(session: Session) -> bool:
    """The session accepts all global statistics of its network (of three channels), for windows of any size."""
    accepts = isinstance(session, StagedSession) and session.stages > 0
    return accepts and session.fixed_size is None and session.facts.channels == 3


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


def _input(pixels: NDArray[Any], row: Window, column: Window, enlarged: int) -> NDArray[np.float32]:
    """One window as (h, w, C) float32 in [0, 1], of `pixels` enlarged by `enlarged` and mirrored beyond its border."""
    rows, columns = (
        reflected(window, side * enlarged)
        for window, side in zip((row, column), pixels.shape[:2], strict=True)
    )
    top, left = int(rows.min()), int(columns.min())
    part = enlarge(pixels, enlarged, (top, int(rows.max()) + 1), (left, int(columns.max()) + 1))
    return _unit(part[rows - top][:, columns - left])


def _store(values: NDArray[np.float32], out: NDArray[Any], name: str) -> None:
    """Clip, round to the nearest level (half up) and write float RGB in [0, 1] into integer RGB or gray."""
    top = np.float32(np.iinfo(out.dtype).max)
    for first in range(0, len(values), STRIP):
        part = values[first : first + STRIP]
        levels = (part @ (LUMA * top))[:, :, None] if part.shape[2] > out.shape[2] else part * top
        with np.errstate(invalid="ignore"):
            if not np.isfinite(levels.sum()):
                raise ArtifactError("the network's output has values that are not finite", where=name)
        np.clip(levels, 0, top, out=levels)
        levels += np.float32(0.5)
        np.copyto(out[first : first + STRIP], levels, casting="unsafe")
