"""How busy other processes keep the machine, where the system says so (Linux; the load average also on macOS)."""

from __future__ import annotations

import os
import time
from pathlib import Path

__all__ = ["BackgroundLoad", "load_average"]

IDLE = (3, 4)
"""Columns of ``/proc/stat`` that are not work: idle, and waiting for the disk."""
COUNTED = 8
"""Columns read; the ones after these (guests) are part of `user` already."""


def load_average() -> float | None:
    """The one-minute load average, to hundredths; None where the system has none (Windows)."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


class BackgroundLoad:
    """Processor time that is spent from the making of this object on, less this process's own.

    Says whether the machine was quiet during a measurement; a load average is a minute late.
    """

    def __init__(self) -> None:
        self._began = (time.perf_counter(), time.process_time(), _busy_seconds())

    def cores(self) -> float | None:
        """Cores kept busy by others on average, time stolen by a hypervisor included; None where it is not known."""
        wall, own, busy = self._began
        now = _busy_seconds()
        if busy is None or now is None:
            return None
        elapsed = max(time.perf_counter() - wall, 1e-9)
        return round(max(0.0, (now - busy) - (time.process_time() - own)) / elapsed, 2)


def _busy_seconds() -> float | None:
    """Processor seconds spent on work since the start of the machine, all cores together."""
    try:
        columns = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1 : COUNTED + 1]
        ticks = [int(column) for column in columns]
        return sum(tick for index, tick in enumerate(ticks) if index not in IDLE) / os.sysconf("SC_CLK_TCK")
    except (AttributeError, OSError, ValueError, IndexError):
        return None
