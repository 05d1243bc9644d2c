"""`bench`: time and judge artifacts against each other and against SRCNN, and write one result file.

The order of a run: everything is exported that must be; quality on the suite's pictures; peak memory, one process
each; the machine's matrix product rate; all times, interleaved; the rate again. Times come after the rest, so that
nothing else runs beside them.
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgeir.bench.child import gemm_rate, peak_memory
from edgeir.bench.evaluate import bicubic_row, measure_quality
from edgeir.bench.load import OthersLoad
from edgeir.bench.measure import Contender, Measured, Schedule, latency_of, measure, ratio_of
from edgeir.bench.prepare import Entry, Precision, RuntimeChoice, prepare, save_network
from edgeir.bench.result import Quality, Result, Row, TimingFacts, environment, timestamp, write_result
from edgeir.bench.score import mobile_ai_relative, pirm_score
from edgeir.bench.suite import Suite, load_suite
from edgeir.core.errors import ConfigError, MissingExtraError
from edgeir.core.files import output_errors, refuse_existing
from edgeir.core.progress import Progress, no_progress
from edgeir.runtime import Session, load

__all__ = ["bench", "time_entries"]

BASELINE = "SRCNN"
DEFAULT_OUT = Path("benchmarks/results")


def bench(
    models: Sequence[str | Path],
    suite: str | Path | Suite = "embedded-x4",
    *,
    runtimes: Sequence[RuntimeChoice] = (),
    precisions: Sequence[Precision] = ("fp32",),
    threads: int = 1,
    repeats: int | None = None,
    budget_s: float = 30.0,
    limit: int | None = None,
    quality: bool = True,
    out: str | Path = DEFAULT_OUT,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Path:
    """Benchmark `models` on `suite` and write a result file.

    Args:
        models: artifacts, checkpoints or zoo names. A checkpoint is exported for every runtime but torch.
        runtimes: for checkpoints, which to run on (torch when none is given); artifacts of other runtimes are refused.
        precisions: what checkpoints are exported to.
        threads: of every runtime, for every contender.
        repeats: exactly this many rounds; otherwise rounds until `budget_s`, at least five.
        budget_s: seconds of timing rounds, all contenders together.
        limit: at most this many pictures of each set.
        quality: measure PSNR and the rest; without it the run is of times only.
        out: a ``.json`` file, or a folder for ``<suite>-<UTC time>.json``.
        overwrite: replace an existing file.

    Returns:
        The path of the result.

    Raises:
        ConfigError: nothing to measure, no such suite, or a model that does not fit it.
        ArtifactError, CheckpointError, ExportError: a model cannot be read, exported or run.
        OutputError: the result exists already or cannot be written.
    """
    if not models:
        raise ConfigError(["no model was given"], fix="name an artifact, a checkpoint or a zoo entry")
    suite = suite if isinstance(suite, Suite) else load_suite(suite)
    path = _result_path(Path(out), suite.name)
    refuse_existing(path, overwrite=overwrite)
    schedule = _schedule(repeats, budget_s)
    with tempfile.TemporaryDirectory(prefix="edgeir-bench-") as scratch:
        entries = _entries(models, suite, runtimes, precisions, Path(scratch), progress)
        qualities: list[Quality | None] = [
            _quality(entry, suite, threads, limit, progress) if quality else None for entry in entries
        ]
        baselines, notes = _baselines(suite, entries, Path(scratch), progress)
        rows, facts = time_entries(
            [*entries, *baselines],
            height=suite.timing.height,
            width=suite.timing.width,
            rule=suite.timing.rule,
            threads=threads,
            schedule=schedule,
            progress=progress,
        )
    rows = [
        row.model_copy(update={"quality": found}) for row, found in zip(rows, qualities, strict=False)
    ] + [
        row.model_copy(update={"role": "baseline", "note": "untrained: for its time only"})
        for row in rows[len(entries) :]
    ]
    rows = _compare(rows, suite)
    if quality:
        rows.append(bicubic_row(suite, limit=limit, progress=progress))
        notes += [entry.note for entry in rows[-1].quality.sets if entry.note] if rows[-1].quality else []
    result = Result(
        kind="bench",
        name=suite.name,
        title=suite.title,
        created=timestamp(),
        suite=suite.model_dump(mode="json"),
        protocol=suite.resolved_protocol().model_dump(mode="json"),
        comparable=all(entry.comparable for row in rows if row.quality for entry in row.quality.sets),
        notes=tuple(notes),
        environment=environment(),
        timing=facts,
        rows=tuple(rows),
    )
    return write_result(path, result)


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
        progress(index, len(entries), f"peak memory of {names[index]}")
        peaks.append(
            peak_memory(entry.path, runtime=entry.runtime, threads=threads, height=height, width=width)
            if memory
            else {}
        )
    load_before, gemm_before = os.getloadavg()[0], gemm_rate(threads)
    contenders = [
        Contender(name, functools.partial(_open, entry, threads), height, width)
        for name, entry in zip(names, entries, strict=True)
    ]
    others = OthersLoad()
    measured = measure(contenders, schedule, progress=progress)
    others_cores = others.cores()
    load_after, gemm_after = os.getloadavg()[0], gemm_rate(threads)
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
        load_average=(round(load_before, 2), round(load_after, 2)),
        others_cores=others_cores,
    )
    rows = [
        _row(
            entry, times, peak, height=height, width=width, threads=threads, gemm=max(gemm_before, gemm_after)
        )
        for entry, times, peak in zip(entries, measured, peaks, strict=True)
    ]
    return [_with_ratios(row, index, rows, measured) for index, row in enumerate(rows)], facts


def _open(entry: Entry, threads: int) -> Session:
    return load(entry.path, runtime=entry.runtime, threads=threads)


def _row(
    entry: Entry,
    measured: Measured,
    peak: dict[str, float],
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
        precision=entry.precision,
        input_kind=entry.facts.input_kind,
        parameters=entry.parameters,
        macs=entry.macs,
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


def _compare(rows: list[Row], suite: Suite) -> list[Row]:
    """Add the challenge scores: PIRM's against SRCNN on the same runtime, Mobile AI's among the rows."""
    judged = [row for row in rows if row.quality and row.latency]
    first = suite.sets[0].name
    fidelity = {row.name: entry for row in judged if row.quality and (entry := row.quality.get(first))}
    relative = mobile_ai_relative(
        [fidelity[row.name].psnr_db for row in judged], [row.latency.p50_ms for row in judged if row.latency]
    )
    share = dict(zip([row.name for row in judged], relative, strict=True))
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


def _entries(
    models: Sequence[str | Path],
    suite: Suite,
    runtimes: Sequence[RuntimeChoice],
    precisions: Sequence[Precision],
    scratch: Path,
    progress: Progress,
) -> list[Entry]:
    return [
        entry
        for model in models
        for entry in prepare(
            model,
            runtimes=runtimes,
            precisions=precisions,
            height=suite.timing.height,
            width=suite.timing.width,
            scratch=scratch,
            progress=progress,
        )
    ]


def _quality(entry: Entry, suite: Suite, threads: int, limit: int | None, progress: Progress) -> Quality:
    session = _open(entry, threads)
    try:
        return measure_quality(session, suite, limit=limit, progress=progress)
    finally:
        session.close()


def _baselines(
    suite: Suite, entries: Sequence[Entry], scratch: Path, progress: Progress
) -> tuple[list[Entry], list[str]]:
    """SRCNN on every runtime that is used, and a note where it cannot be made."""
    if suite.timing.baseline is None:
        return [], []
    runtimes = sorted({entry.runtime for entry in entries})
    try:
        from edgeir.models import SRCNN

        checkpoint = save_network(SRCNN(scale=suite.scale), BASELINE, scratch / "srcnn")
        prepared = prepare(
            checkpoint,
            runtimes=runtimes,
            precisions=("fp32",),
            height=suite.timing.height,
            width=suite.timing.width,
            scratch=scratch,
            name=BASELINE,
            time_only=True,
            progress=progress,
        )
    except (MissingExtraError, ModuleNotFoundError) as error:
        return [], [f"SRCNN was not timed, so there is no ratio to it and no PIRM score: {error}"]
    return prepared, []


def _schedule(repeats: int | None, budget_s: float) -> Schedule:
    if repeats is None:
        return Schedule(budget_s=budget_s)
    if repeats < 1:
        raise ConfigError([f"`repeats` must be at least 1, not {repeats}"])
    return Schedule(min_rounds=repeats, max_rounds=repeats, budget_s=budget_s)


def _result_path(out: Path, suite: str) -> Path:
    if out.suffix == ".json":
        return out
    with output_errors(out):
        return out / f"{suite}-{timestamp().replace(':', '').replace('-', '')}.json"


def _unique(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique
