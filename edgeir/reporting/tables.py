"""Every table of a result, in the order of a report."""

from __future__ import annotations

from collections.abc import Callable

from edgeir.benchmarking.result import Result
from edgeir.reporting.device_table import device_table
from edgeir.reporting.table import Table, cost_table, latency_table, quality_table, ratio_table, score_table

__all__ = ["TABLES"]

TABLES: dict[str, Callable[[Result], Table | None]] = {
    "quality": quality_table,
    "latency": latency_table,
    "devices": device_table,
    "cost": cost_table,
    "scores": score_table,
    "ratios": ratio_table,
}
"""None where the result has nothing for it."""
