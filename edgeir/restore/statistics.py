"""What a network reads of the whole photo, gathered window by window, one pass over the photo per stage.

Each pass runs every window as far as the next statistic and adds up the pixels that the window gives, so that every
pixel of the photo (mirrored up to `size_multiple`) counts once and only those that a whole-image run would compute
alike count at all. Only one window's features exist at a time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.core.statistics import Accumulator, Moments
from edgeir.restore.tiling import Axis, Plan, Window
from edgeir.runtime.session import StagedSession

__all__ = ["gather"]

Read = Callable[[Window, Window], NDArray[np.float32]]


def gather(
    session: StagedSession, windows: Plan, read: Read, done: Callable[[], None] = lambda: None
) -> tuple[Moments, ...]:
    """The statistics of all stages of the session's network over the picture that `windows` cover.

    Args:
        read: the pixels of a window, (h, w, 3) float32 in [0, 1].
        done: called after every window of every pass.

    Raises:
        ArtifactError: what the network reads is not of the picture's size, or not finite.
    """
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
            total.add(features[_counted(windows.rows, row), _counted(windows.columns, column)])
            done()
        moments = total.moments()
        if not (np.isfinite(moments.mean).all() and np.isfinite(moments.variance).all()):
            raise ArtifactError("the network's features have values that are not finite", where=session.name)
        known.append(moments)
    return tuple(known)


def _counted(axis: Axis, window: Window) -> slice:
    """What a window adds: the pixels that it gives, the last one with what is mirrored behind the picture."""
    last = axis.padded if window.stop == axis.padded else window.last
    return slice(window.first - window.start, last - window.start)
