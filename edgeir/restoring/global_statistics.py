"""What a network reads of the whole image, gathered window by window before the run that restores it.

Statistics that decide what the later ones read (instance normalisation) are gathered one pass over the image per
stage: each pass runs every window as far as the next statistic and adds up the pixels that the window gives. Every
pixel of the image counts once, and what is mirrored beyond its border does not count. So tiled output equals
whole-image output.

Channel attention only scales features, and there is one in every block. All its means are gathered in one pass, each
window with its own; then some windows are run again with those of the whole image, and only where that changes what
they give (`edgeir.core.moments.settled`) is everything gathered anew. The first k stages are exact after k passes;
the change is too small to see long before that. Only one window's features exist at a time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.core.moments import Accumulator, Moments, settled
from edgeir.restoring.tiling import Plan, Window, cut
from edgeir.runtime.session import StagedSession

__all__ = ["gather", "passes"]

Read = Callable[[Window, Window], NDArray[np.float32]]

CHECKED = 8
"""One window in so many is run again to see whether the means of channel attention stay."""


def passes(session: StagedSession) -> int:
    """How often the image is gone through before it is restored; where the means must settle, usually."""
    return 1 if session.weigh else session.stages


def gather(
    session: StagedSession, windows: Plan, read: Read, done: Callable[[], None] = lambda: None
) -> tuple[Moments, ...]:
    """The statistics of all stages of the session's network over the image that `windows` cover.

    Args:
        read: the pixels of a window, (h, w, 3) float32 in [0, 1].
        done: called after every window of every pass.

    Raises:
        ArtifactError: what the network reads is not of the image's size, or not finite.
    """
    return (_settle if session.weigh else _stage_by_stage)(session, windows, read, done)


def _stage_by_stage(
    session: StagedSession, windows: Plan, read: Read, done: Callable[[], None]
) -> tuple[Moments, ...]:
    known: list[Moments] = []
    for _ in range(session.stages):
        total = Accumulator()
        for row, column in windows:
            features = session.features(read(row, column), known)
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


def _settle(
    session: StagedSession, windows: Plan, read: Read, done: Callable[[], None]
) -> tuple[Moments, ...]:
    places = list(windows)
    known: tuple[Moments, ...] = ()
    for _ in range(session.stages):
        total, sample = _empty(session), _empty(session)
        for number, place in enumerate(places):
            parts = _parts(session, place, read, known)
            for kept in (total, sample) if number % CHECKED == 0 else (total,):
                _merge(kept, parts)
            done()
        known = tuple(_finite(stage, session) for stage in total)
        again = _empty(session)
        for place in places[::CHECKED]:
            _merge(again, _parts(session, place, read, known))
        if settled(*(tuple(stage.moments() for stage in stages) for stages in (sample, again))):
            break
    return known


def _parts(
    session: StagedSession,
    place: tuple[Window, Window],
    read: Read,
    known: tuple[Moments, ...],
) -> list[Accumulator]:
    row, column = place
    return session.all_statistics(read(row, column), known, cut(row, 1), cut(column, 1))


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
