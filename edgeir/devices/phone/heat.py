"""How warm a phone is, and waiting for it to cool: a hot one runs slower, so that a time without it says little."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from edgeir.devices.phone.adb import Adb

__all__ = ["Warmth", "cool_down", "warmth"]

PROCESSOR = re.compile(r"cpu|soc|tsens|cluster|big|mid|little|\bap\b", re.IGNORECASE)
"""In the names of sensors that are near the processor."""
SERVICE = re.compile(r"mValue=(?P<c>-?[\d.]+), mType=\d+, mName=(?P<name>[^,]+)")
LEAST_C, MOST_C = 1.0, 150.0
"""A sensor that is switched off says 0, or nonsense."""
CLOSE_C, STEP_S = 1.0, 5.0
COMMAND = (
    'for z in /sys/class/thermal/thermal_zone*; do echo "zone $(cat $z/temp 2>/dev/null) $(cat $z/type 2>/dev/null)"; '
    "done; dumpsys thermalservice 2>/dev/null; dumpsys battery 2>/dev/null"
)


@dataclass(frozen=True)
class Warmth:
    """The warmest sensor near the processor, or the warmest of all where none says that it is near."""

    celsius: float
    sensor: str


def warmth(adb: Adb) -> Warmth | None:
    """Ask the phone's sensors; None where the shell may read none.

    Raises:
        DeviceError: the phone is gone.
    """
    found = []
    for line in adb.shell(COMMAND).splitlines():
        words = line.split()
        if line.startswith("zone ") and len(words) > 2 and words[1].lstrip("-").isdecimal():
            value = float(words[1])
            found.append(Warmth(value / 1000 if abs(value) > MOST_C else value, " ".join(words[2:])))
        elif match := SERVICE.search(line):
            found.append(Warmth(float(match["c"]), match["name"].strip()))
        elif words[:1] == ["temperature:"] and words[-1].isdecimal():
            found.append(Warmth(int(words[-1]) / 10, "battery"))
    real = [one for one in found if LEAST_C < one.celsius < MOST_C]
    near = [one for one in real if PROCESSOR.search(one.sensor)]
    return max(near or real, key=lambda one: one.celsius, default=None)


def cool_down(adb: Adb, most_s: float, cool: Warmth | None) -> float:
    """Wait until the phone is as cool as it was at first, at most so long; the seconds that it took.

    Args:
        cool: how warm it was at first; None: it does not say, and the whole time is waited.

    Raises:
        DeviceError: the phone is gone.
    """
    began = time.monotonic()
    while (left := most_s - (time.monotonic() - began)) > 0:
        now = None if cool is None else warmth(adb)
        if cool is not None and now is not None and now.celsius <= cool.celsius + CLOSE_C:
            break
        time.sleep(min(STEP_S, left))
    return round(time.monotonic() - began, 1)
