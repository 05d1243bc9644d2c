"""A benchmark result as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeir.cli.output import table

__all__ = ["score_lines"]


def score_lines(result: Mapping[str, Any]) -> list[str]:
    """A result (plain JSON values of `edgeir.benchmarking.result.Result`) as a table and its notes."""
    rows = result["rows"]
    sets = [entry["name"] for row in rows for entry in (row.get("quality") or {}).get("sets", [])]
    names = list(dict.fromkeys(sets))
    timed = any(row.get("latency") for row in rows)
    sent = any(row.get("device") for row in rows)
    counted = any(row.get("instructions") for row in rows)
    head = ["model", "runtime", *(f"{name} PSNR / SSIM" for name in names)]
    head += ["golden dB"] if sent else []
    head += ["p50 ms", "p90 ms", "peak MiB"] if timed else []
    lines = [head + (["instructions, G"] if counted else [])]
    for row in rows:
        quality = {entry["name"]: entry for entry in (row.get("quality") or {}).get("sets", [])}
        cells = [row["name"], row["runtime"], *(_quality(quality.get(name)) for name in names)]
        if sent:
            golden = row.get("golden") or {}
            wrong = ", WRONG" if golden.get("right") is False else ""
            cells.append(_cell(golden.get("psnr_db"), 1) + wrong)
        if timed:
            latency = row.get("latency") or {}
            cells += [
                _cell(latency.get("p50_ms"), 2),
                _cell(latency.get("p90_ms"), 2),
                _cell(row.get("peak_mib"), 0),
            ]
        if counted:
            total = (row.get("instructions") or {}).get("total")
            cells.append(_cell(None if total is None else total / 1e9, 3))
        lines.append(cells)
    said = [_device(row) for row in rows if row.get("device")]
    return [
        f"{result['title']}",
        *table(lines),
        *said,
        *(f"note: {note}" for note in result.get("notes", ())),
    ]


def _device(row: Mapping[str, Any]) -> str:
    """What a device is, where the operators ran, and what else it said of the run."""
    facts = row["device"]
    known = [
        facts.get("title"),
        facts.get("chip"),
        facts.get("system"),
        facts.get("runtime"),
        row.get("placed"),
    ]
    details = {**facts.get("details", {}), **row.get("details", {})}
    words = [str(text) for text in dict.fromkeys(known) if text]
    return f"{row['name']}: " + ", ".join([*words, *(f"{key} {value}" for key, value in details.items())])


def _quality(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "-"
    similarity = entry.get("ssim") if entry.get("ssim") is not None else entry.get("ms_ssim")
    return f"{_cell(entry['psnr_db'], 2)} / {_cell(similarity, 4)}"


def _cell(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
