"""How often a file is run on a device that edgeir drives run by run."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgeir.core.progress import Progress

__all__ = ["timed_runs"]

_LEAST = 5


def timed_runs(
    run: Callable[[int], list[float]],
    *,
    runs: int | None,
    budget_s: float,
    most: int,
    progress: Progress,
    where: str,
) -> list[float]:
    """Milliseconds of every run, the first one included.

    Args:
        run: runs the file so many times, and gives the milliseconds of each.
        runs: exactly this many after the first, unless they take twice the budget; None: as many as `budget_s` seconds
            allow, at least five and at most `most`.
        where: for the progress: ``in the browser``.
    """
    times = run(1)
    if runs is None:
        runs = max(_LEAST, min(most, int(1000 * budget_s / max(times[0], 0.1))))
    started, batch = time.monotonic(), max(1, min(runs, int(1000 / max(times[0], 1.0))))
    while len(times) <= runs:
        progress(len(times), runs + 1, f"{len(times)} runs {where}")
        times += run(min(batch, runs + 1 - len(times)))
        if len(times) > _LEAST and time.monotonic() - started > 2 * budget_s:
            break  # the first run was faster than the others
    return times
