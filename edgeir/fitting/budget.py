"""A budget for one run of a network: ``8ms`` where there is a clock, ``0.6G`` instructions where they are counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from edgeir.core.errors import ConfigError
from edgeir.core.wording import shown
from edgeir.devices.catalog import device_entry

__all__ = ["HERE", "Budget", "check_unit", "parse_budget"]

HERE = ("here", "cpu")
"""This machine, among the names of devices."""
TIMES = {"us": 1e-3, "ms": 1.0, "s": 1e3}
COUNTS = {"K": 1e3, "M": 1e6, "G": 1e9}


@dataclass(frozen=True)
class Budget:
    """What one run may cost.

    Attributes:
        value: in `unit`.
        text: as the user wrote it.
    """

    value: float
    unit: Literal["ms", "instructions"]
    text: str


def parse_budget(text: str) -> Budget:
    """``8ms``, ``0.5s`` and ``800us`` are times; ``0.6G`` and ``600M`` are instructions.

    Raises:
        ConfigError: it does not look like that, or is not positive.
    """
    fix = "8ms is a time, 0.6G or 600M are instructions"
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([a-zA-Z]*)", text.strip())
    if match is None:
        raise ConfigError([f"the budget `{shown(text)}` is no number with a unit"], where="--budget", fix=fix)
    number, unit = float(match[1]), match[2]
    if number == 0:
        raise ConfigError(["the budget must be above 0"], where="--budget", fix=fix)
    if unit in TIMES:
        return Budget(number * TIMES[unit], "ms", text.strip())
    if unit in COUNTS:
        return Budget(number * COUNTS[unit], "instructions", text.strip())
    what = f"the budget `{shown(text)}` has the unit `{unit}`" if unit else f"the budget `{text}` has no unit"
    raise ConfigError([what], where="--budget", fix=fix)


def check_unit(budget: Budget, device: str) -> None:
    """Refuse milliseconds where nothing is timed, and instructions where there is a clock.

    Raises:
        ConfigError: the unit does not suit the device, or there is no such device.
    """
    counts = device not in HERE and device_entry(device).emulated
    if counts and budget.unit == "ms":
        raise ConfigError(
            [f"the device is emulated and has no clock: it counts instructions, not {budget.text}"],
            where=device,
            fix="--budget 0.6G, or a device that has a clock",
        )
    if not counts and budget.unit == "instructions":
        raise ConfigError(
            [f"the device is timed, and counts no instructions: not {budget.text}"],
            where=device,
            fix="--budget 8ms, or an emulated phone, --on android-arm64:a76",
        )
