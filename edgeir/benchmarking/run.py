"""`bench`: measure time and quality of artifacts, compare them with each other and with SRCNN, write one result file.

The order of a run: exports; quality on the suite's images; peak memory, one process each; the machine's matrix product
rate; all times, interleaved; the rate again. Times come last, so that nothing else runs beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeir.benchmarking.baseline import as_baseline, baselines, device_baseline
from edgeir.benchmarking.entries import busy_notes, open_entry, part, time_entries, with_scores
from edgeir.benchmarking.on_device import device_rows, files_for
from edgeir.benchmarking.quality.evaluate import bicubic_row, measure_quality
from edgeir.benchmarking.result import Quality, Result, Row, TimingFacts, environment, timestamp, write_result
from edgeir.benchmarking.suite import Suite, load_suite
from edgeir.benchmarking.timing.measure import Schedule
from edgeir.benchmarking.timing.prepare import Entry, prepare
from edgeir.core.errors import ArtifactError, ConfigError, DeviceError
from edgeir.core.files import output_errors, refuse_existing, scratch_dir
from edgeir.core.progress import Progress, no_progress
from edgeir.core.trust import honours_trust
from edgeir.devices.catalog import settings_of

__all__ = ["bench"]

HERE = "here"
"""This machine, among `devices`."""
DEFAULT_OUT = Path("benchmarks/results")


@honours_trust
def bench(
    models: Sequence[str | Path],
    suite: str | Path | Suite = "embedded-x4",
    *,
    runtimes: Sequence[str] = (),
    precisions: Sequence[str] = ("fp32",),
    threads: int = 1,
    repeats: int | None = None,
    budget_s: float = 30.0,
    limit: int | None = None,
    quality: bool = True,
    devices: Sequence[str] = (),
    allow_fallback: bool = False,
    device_settings: Sequence[str] = (),
    out: str | Path = DEFAULT_OUT,
    overwrite: bool = False,
    trust_code: bool = False,
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
        limit: at most this many images of each set.
        quality: measure PSNR and the rest; without it the run is of times only.
        devices: where to run, names of `edgeir.devices.catalog`, and `here` for this machine, which is the default.
        allow_fallback: accept that a device runs operators elsewhere than on the accelerator asked for.
        device_settings: ``key=value`` for the settings of the devices, such as ``cores=4-7`` for a phone.
        out: a ``.json`` file, or a folder for ``<suite>-<UTC time>.json``.
        overwrite: replace an existing file.
        trust_code: see `edgeir.load`.

    Returns:
        The path of the result.

    Raises:
        ConfigError: nothing to measure, no such suite, or a model that does not fit it.
        ArtifactError, CheckpointError, ExportError, UntrustedCodeError: a model cannot be read, exported or run.
        DeviceError: a device does not answer, goes away or fell back. What was measured until then is written, also
            where a device cannot run a file (ArtifactError).
        OutputError: the result exists already or cannot be written.
    """
    if not models:
        raise ConfigError(["no model was given"], fix="name an artifact, a checkpoint or a zoo entry")
    suite = suite if isinstance(suite, Suite) else load_suite(suite)
    path = _result_path(Path(out), suite.name)
    refuse_existing(path, overwrite=overwrite)
    schedule = _schedule(repeats, budget_s)
    sent = [(name, files_for(models, name)) for name in devices if name != HERE]
    for name, _ in sent:
        settings_of(name, device_settings)  # a wrong one is known before anything is measured
    rows: list[Row] = []
    notes: list[str] = []
    facts: TimingFacts | None = None
    here = not devices or HERE in devices
    began = 50 if here and sent else 0  # percent of the work that is done here
    whole = part(progress, 0, began) if sent else progress
    with scratch_dir("bench", libraries=True) as scratch:
        if here:
            entries = _entries(models, suite, runtimes, precisions, scratch, part(whole, 0, 20))
            rows, notes, facts = _here(entries, suite, schedule, threads, limit, quality, scratch, whole)
        failure: ArtifactError | DeviceError | None = None
        try:
            for index, (name, files) in enumerate(sent):
                start, stop = (began + (100 - began) * (index + end) / len(sent) for end in (0, 1))
                baseline, remarks = device_baseline(suite, name, scratch)
                notes += remarks
                for row in device_rows(
                    name,
                    [*files, *baseline],
                    suite,
                    threads=threads,
                    runs=repeats,
                    budget_s=budget_s,
                    limit=limit,
                    quality=quality,
                    allow_fallback=allow_fallback,
                    settings=device_settings,
                    progress=part(progress, start, stop),
                ):
                    rows.append(row)  # one by one: what a lost device has measured is kept
        except (ArtifactError, DeviceError) as error:
            if not rows:
                raise
            failure = error
            notes.append(f"not all was measured: {error}")
    rows = with_scores(rows, suite)
    if quality:
        rows.append(bicubic_row(suite, limit=limit))
        notes += [entry.note for entry in rows[-1].quality.sets if entry.note] if rows[-1].quality else []
    notes += [] if facts is None else busy_notes(facts)
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
    written = write_result(path, result)
    if failure is not None:
        raise failure
    return written


def _here(
    entries: Sequence[Entry],
    suite: Suite,
    schedule: Schedule,
    threads: int,
    limit: int | None,
    quality: bool,
    scratch: Path,
    progress: Progress,
) -> tuple[list[Row], list[str], TimingFacts]:
    """The rows of this machine with the baseline's, and remarks."""
    share = 25 / len(entries)
    qualities: list[Quality | None] = [
        _quality(entry, suite, threads, limit, part(progress, 20 + share * index, 20 + share * (index + 1)))
        if quality
        else None
        for index, entry in enumerate(entries)
    ]
    timed, notes = baselines(suite, entries, scratch, part(progress, 45, 55))
    rows, facts = time_entries(
        [*entries, *timed],
        height=suite.timing.height,
        width=suite.timing.width,
        rule=suite.timing.rule,
        threads=threads,
        schedule=schedule,
        progress=part(progress, 55, 100),
    )
    scored = [
        row.model_copy(update={"quality": scores}) for row, scores in zip(rows, qualities, strict=False)
    ]
    return [*scored, *map(as_baseline, rows[len(entries) :])], notes, facts


def _entries(
    models: Sequence[str | Path],
    suite: Suite,
    runtimes: Sequence[str],
    precisions: Sequence[str],
    scratch: Path,
    progress: Progress,
) -> list[Entry]:
    return [
        entry
        for index, model in enumerate(models)
        for entry in prepare(
            model,
            runtimes=runtimes,
            precisions=precisions,
            height=suite.timing.height,
            width=suite.timing.width,
            scratch=scratch,
            progress=part(progress, 100 * index / len(models), 100 * (index + 1) / len(models)),
        )
    ]


def _quality(entry: Entry, suite: Suite, threads: int, limit: int | None, progress: Progress) -> Quality:
    session = open_entry(entry, threads, clip=suite.clips)
    try:
        return measure_quality(session, suite, limit=limit, progress=progress)
    finally:
        session.close()


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
