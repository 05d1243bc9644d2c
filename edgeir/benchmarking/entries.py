"""The timed rows of a result: peak memory of each entry, then all times in turns, ratios and challenge scores."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from edgeir.benchmarking.result import Row, TimingFacts
from edgeir.benchmarking.score import mobile_ai_relative, pirm_score
from edgeir.benchmarking.suite import Suite
from edgeir.benchmarking.timing.child import gemm_rate, peak_memory
from edgeir.benchmarking.timing.machine_load import BackgroundLoad, load_average
from edgeir.benchmarking.timing.measure import Contender, Measured, Schedule, latency_of, measure, ratio_of
from edgeir.benchmarking.timing.prepare import Entry
from edgeir.core.progress import Progress, no_progress
from edgeir.runtime.catalog import target_of_file
from edgeir.runtime.loading import load
from edgeir.runtime.session import Session

__all__ = ["busy_notes", "open_entry", "part", "time_entries", "with_scores"]

BUSY_CORES = 0.2
"""Cores kept busy by other processes above which a warning is given."""


def time_entries(
    entries: Sequence[Entry],
    *,
    height: int,
    width: int,
    rule: str = "median",
    threads: int,
    schedule: Schedule,
    memory: bool = True,
    progress: Progress = no_progress,
) -> tuple[list[Row], TimingFacts]:
    """Rows with latency and peak memory of `entries`, timed in turns; ratios and scores are left empty."""
    names = _unique([entry.name for entry in entries])
    peaks = []
    for index, entry in enumerate(entries):
        progress(index, 4 * len(entries), f"peak memory of {names[index]}")
        peaks.append(
            peak_memory(entry.path, runtime=entry.runtime, threads=threads, height=height, width=width)
            if memory
            else {}
        )
    load_before, gemm_before = load_average(), gemm_rate(threads)
    contenders = [
        Contender(name, functools.partial(open_entry, entry, threads), height, width)
        for name, entry in zip(names, entries, strict=True)
    ]
    others = BackgroundLoad()
    measured = measure(contenders, schedule, progress=part(progress, 25, 100))
    others_cores = others.cores()
    load_after, gemm_after = load_average(), gemm_rate(threads)
    facts = TimingFacts(
        height=height,
        width=width,
        threads=threads,
        rule="pirm" if rule == "pirm" else "median",
        rounds=len(measured[0].turns_ms),
        warmup_s=schedule.warmup_s,
        turn_s=schedule.turn_s,
        budget_s=schedule.budget_s,
        gemm_gmac_s=(gemm_before, gemm_after),
        load_average=None if load_before is None or load_after is None else (load_before, load_after),
        others_cores=others_cores,
    )
    rows = [
        _row(
            entry, times, peak, height=height, width=width, threads=threads, gemm=max(gemm_before, gemm_after)
        )
        for entry, times, peak in zip(entries, measured, peaks, strict=True)
    ]
    return [_with_ratios(row, index, rows, measured) for index, row in enumerate(rows)], facts


def busy_notes(facts: TimingFacts) -> list[str]:
    """A warning if other processes used the processor while the times were taken."""
    if facts.others_cores is None or facts.others_cores <= BUSY_CORES:
        return []
    return [
        f"Other processes kept {facts.others_cores:.2f} cores busy while the times were taken: "
        "the ratios are paired and hold within their spread, the times themselves may be too long"
    ]


def part(progress: Progress, start: float, stop: float) -> Progress:
    """The progress of one stage, mapped to percent `start` to `stop` of the whole."""

    def report(done: float, total: float, label: str) -> None:
        progress(start + (stop - start) * done / max(total, 1e-9), 100, label)

    return report


def open_entry(entry: Entry, threads: int, *, clip: bool = True) -> Session:
    """Load the model of an entry; `clip` as for `edgeir.load`."""
    return load(entry.path, runtime=entry.runtime, threads=threads, clip=clip)


def _row(
    entry: Entry,
    measured: Measured,
    peak: dict[str, float | None],
    *,
    height: int,
    width: int,
    threads: int,
    gemm: float,
) -> Row:
    return Row(
        name=measured.name,
        model=entry.model,
        runtime=entry.runtime,
        target=None if (target := target_of_file(entry.path)) is None else target.name,
        precision=entry.precision,
        input_kind=entry.facts.input_kind,
        colours=entry.facts.colour,
        parameters=entry.parameters,
        macs=entry.macs,
        output_size=(height, width),
        file_bytes=entry.file_bytes,
        sha256=entry.sha256,
        latency=latency_of(
            measured, height=height, width=width, threads=threads, macs=entry.macs, gemm_gmac_s=gemm
        ),
        peak_mib=peak.get("peak_mib"),
        import_mib=peak.get("import_mib"),
        note="timed as tiles of the file's fixed size" if measured.tiled else "",
    )


def _with_ratios(row: Row, index: int, rows: Sequence[Row], measured: Sequence[Measured]) -> Row:
    """Against every other row of the same runtime, and its own model's other precisions and runtimes."""
    ratios = tuple(
        ratio_of(measured[index], measured[other])
        for other, against in enumerate(rows)
        if other != index and (against.runtime == row.runtime or against.model == row.model)
    )
    return row.model_copy(update={"ratios": ratios})


def with_scores(rows: list[Row], suite: Suite) -> list[Row]:
    """Add the challenge scores: PIRM's against SRCNN on the same runtime, Mobile AI's among the rows."""
    complete = [row for row in rows if row.quality and row.latency]
    fidelity = {row.name: row.quality.sets[0] for row in complete if row.quality}
    relative = mobile_ai_relative(
        [fidelity[row.name].psnr_db for row in complete],
        [row.latency.p50_ms for row in complete if row.latency],
    )
    share = dict(zip([row.name for row in complete], relative, strict=True))
    scored = []
    for row in rows:
        update: dict[str, object] = {"mobile_ai_relative": share.get(row.name)}
        baseline = next((b for b in rows if b.role == "baseline" and b.runtime == row.runtime), None)
        entry = fidelity.get(row.name)
        if suite.score and entry and entry.ms_ssim is not None and baseline:
            update["pirm"] = pirm_score(
                "A" if suite.score == "pirm-a" else "B",
                psnr_db=entry.psnr_db,
                ms_ssim=entry.ms_ssim,
                latency_ms=_scored_ms(row, suite),
                baseline_ms=_scored_ms(baseline, suite),
            )
        scored.append(row.model_copy(update=update))
    return scored


def _scored_ms(row: Row, suite: Suite) -> float:
    """The time that enters a score, by the suite's rule."""
    assert row.latency is not None
    return row.latency.pirm_ms if suite.timing.rule == "pirm" and row.latency.pirm_ms else row.latency.p50_ms


def _unique(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique
