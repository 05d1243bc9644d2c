"""A file that runs for minutes: how much slower a phone is when it is hot."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

from edgeir.core.progress import Progress
from edgeir.devices.device import Detail
from edgeir.devices.phone.heat import Warmth

__all__ = ["sustained"]

TURN_S = 15.0
"""The runner starts anew after each turn, which takes it a fraction of a second."""


def sustained(
    minutes: float,
    turn: Callable[[float], Sequence[float]],
    warm: Callable[[], Warmth | None],
    progress: Progress,
) -> dict[str, Detail]:
    """Run for so many minutes; the medians of the first and the last turn, and their ratio.

    Args:
        turn: run for so many seconds, and return the milliseconds of each run.
        warm: how warm the phone is.

    Raises:
        DeviceError, ArtifactError: as `turn` and `warm` do.
    """
    whole, began = minutes * 60, time.monotonic()
    medians: list[float] = []
    hottest: Warmth | None = None
    total = max(1, round(whole * 10))
    runs = 0
    while not medians or (left := whole - (time.monotonic() - began)) > 0:
        length = whole if not medians else left
        times = turn(min(TURN_S, length))
        runs += len(times)
        medians.append(statistics.median(times))
        now = warm()
        if now is not None and (hottest is None or now.celsius > hottest.celsius):
            hottest = now
        spent = time.monotonic() - began
        progress(min(round(spent * 10), total), total, f"sustained: {medians[-1]:.2f} ms")
    details: dict[str, Detail] = {
        "sustained_min": round((time.monotonic() - began) / 60, 2),
        "sustained_runs": runs,
        "sustained_first_ms": round(medians[0], 4),
        "sustained_last_ms": round(medians[-1], 4),
        "sustained_slowdown": round(medians[-1] / medians[0], 3) if medians[0] else 0.0,
    }
    return details if hottest is None else {**details, "sustained_hottest_c": hottest.celsius}
