"""The table of devices: what each one computed, how fast, and where the operators really ran."""

from __future__ import annotations

from edgeir.benchmarking.result import Result, Row
from edgeir.reporting.table import ABSENT, Table, milliseconds, number

__all__ = ["device_table"]

COLUMNS = (
    "device", "model", "precision", "runtime", "placed", "threads", "golden dB", "p50 ms", "p90", "p99", "first run",
    "peak MiB", "instructions, G",
)  # fmt: skip
TEXTS = 5


def device_table(result: Result) -> Table | None:
    """One row per file and device; `None` where nothing ran on a device."""
    rows = [row for row in result.rows if row.device is not None]
    if not rows:
        return None
    emulated = any(row.device is not None and row.device.emulated for row in rows)
    caption = "Golden dB: the device's output of the golden input, the network's being the truth. "
    if emulated:
        caption += "Instructions of one inference, counted on an emulated processor: they are not time. "
    return Table(
        title="Devices",
        columns=COLUMNS,
        numeric=(*([False] * TEXTS), *([True] * (len(COLUMNS) - TEXTS))),
        rows=tuple(_cells(row) for row in rows),
        caption=caption.strip(),
    )


def _cells(row: Row) -> tuple[str, ...]:
    assert row.device is not None
    time = row.latency
    golden = ABSENT
    if row.golden is not None:
        golden = number(row.golden.psnr_db, 1) + ("" if row.golden.right else ", WRONG")
    total = (row.instructions or {}).get("total")
    times = (
        (None, None, None, None)
        if time is None
        else (time.p50_ms, time.p90_ms, time.p99_ms, time.first_run_ms)
    )
    return (
        f"{row.device.device}, {row.device.title}",
        row.model,
        row.precision,
        row.device.runtime,
        row.placed or ABSENT,
        ABSENT if time is None else str(time.threads),
        golden,
        *(milliseconds(value) for value in times),
        number(row.peak_mib, 0),
        number(None if total is None else total / 1e9, 3),
    )
