"""The global statistics of a network over an image, gathered window by window before the image is restored.

Statistics on which later ones depend (instance normalisation) take one pass over the image per stage: each pass runs
every window as far as the next statistics layer and accumulates the pixels that belong to the window. Every pixel of
the image counts once, and mirrored pixels beyond its border do not count. So tiled output equals whole-image output.

Channel attention only scales features, and there is one in every block. All its means are gathered in one pass, in
which every window uses its own means. Some windows are run again with the means of the whole image; the pass is
repeated only if that changes their statistics (`edgeir.core.moments.converged`). The first k stages are exact after k
passes; the change is too small to see long before that. Only one window's features exist at a time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.core.moments import Accumulator, Moments, converged
from edgeir.restoring.tiling import Plan, Window, cut
from edgeir.runtime.session import StagedSession

__all__ = ["gather", "passes"]

Read = Callable[[Window, Window], NDArray[np.float32]]

CHECKED = 8
"""Every so many windows, one is run again to check whether the means of channel attention have converged."""


def passes(session: StagedSession) -> int:
    """Number of passes over the image before it is restored; for means that must converge, the usual number."""
    return 1 if session.only_scale_features else session.stages


def gather(
    session: StagedSession, windows: Plan, read: Read, done: Callable[[], None] = lambda: None
) -> tuple[Moments, ...]:
    """The statistics of all stages of the session's network over the image that `windows` cover.

    Args:
        read: the pixels of a window, (h, w, 3) float32 in [0, 1].
        done: called after every window of every pass.

    Raises:
        ArtifactError: the features whose statistics are needed are not of the image's size, or not finite.
    """
    return (_until_converged if session.only_scale_features else _stage_by_stage)(
        session, windows, read, done
    )


def _stage_by_stage(
    session: StagedSession, windows: Plan, read: Read, done: Callable[[], None]
) -> tuple[Moments, ...]:
    known: list[Moments] = []
    for _ in range(session.stages):
        total = Accumulator()
        for row, column in windows:
            features = session.stage_input(read(row, column), known)
            if features.shape[:2] != windows.size:
                raise ArtifactError(
                    f"statistics of features of {features.shape[0]}x{features.shape[1]} in a window of "
                    f"{windows.size[0]}x{windows.size[1]} cannot be gathered",
                    where=session.name,
                )
            total.add(features[cut(row, 1), cut(column, 1)])
            done()
        known.append(_finite(total, session))
    return tuple(known)


def _until_converged(
    session: StagedSession, windows: Plan, read: Read, done: Callable[[], None]
) -> tuple[Moments, ...]:
    positions = list(windows)
    known: tuple[Moments, ...] = ()
    for _ in range(session.stages):
        total, sample = _empty(session), _empty(session)
        for number, position in enumerate(positions):
            parts = _parts(session, position, read, known)
            for kept in (total, sample) if number % CHECKED == 0 else (total,):
                _merge(kept, parts)
            done()
        known = tuple(_finite(stage, session) for stage in total)
        again = _empty(session)
        for position in positions[::CHECKED]:
            _merge(again, _parts(session, position, read, known))
        if converged(*(tuple(stage.moments() for stage in stages) for stages in (sample, again))):
            break
    return known


def _parts(
    session: StagedSession,
    position: tuple[Window, Window],
    read: Read,
    known: tuple[Moments, ...],
) -> list[Accumulator]:
    row, column = position
    return session.all_stage_inputs(read(row, column), known, cut(row, 1), cut(column, 1))


def _empty(session: StagedSession) -> list[Accumulator]:
    return [Accumulator() for _ in range(session.stages)]


def _merge(totals: list[Accumulator], parts: list[Accumulator]) -> None:
    for total, part in zip(totals, parts, strict=True):
        total.merge(part)


def _finite(total: Accumulator, session: StagedSession) -> Moments:
    moments = total.moments()
    if not (np.isfinite(moments.mean).all() and np.isfinite(moments.variance).all()):
        raise ArtifactError("the network's features have values that are not finite", where=session.name)
    return moments
