"""Rows of a result that a device measured: the quality of what it computed, and its own clock.

An image goes through the device's session as it goes through a runtime here, so that the figures of quality are those
of the device's output. Times are the device's; an emulated one has none, and may count instructions instead.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgeir.benchmarking.quality.evaluate import measure_quality
from edgeir.benchmarking.result import GoldenScore, Latency, Row
from edgeir.benchmarking.sent import SentFile, sent_checkpoint
from edgeir.benchmarking.suite import Suite
from edgeir.benchmarking.timing.measure import PIRM_DISCARDED, PIRM_IMAGES, input_size, percentile
from edgeir.benchmarking.timing.prepare import macs_at
from edgeir.checkpoint.resolve import resolve
from edgeir.core.errors import ConfigError, DeviceError
from edgeir.core.progress import Progress, no_progress
from edgeir.devices.catalog import check_runs, connect, device_entry
from edgeir.devices.device import Device, DeviceRun
from edgeir.exporting.prove.golden import golden_problem, run_golden
from edgeir.manifest.artifact import read_artifact
from edgeir.runtime.catalog import CHECKPOINT_RUNTIME
from edgeir.runtime.loading import file_at

__all__ = ["SentFile", "device_rows", "files_for", "latency_of_run"]


def files_for(models: Sequence[str | Path], device: str) -> list[SentFile]:
    """The file of each artifact or bundle that the device runs: the one named, or the first of a format of the device;
    the weights of a checkpoint, for a device that runs checkpoints.

    Raises:
        ConfigError: there is no such device, or a model has nothing that the device runs.
        ArtifactError: a model cannot be read.
    """
    entry = device_entry(device)
    found = []
    for model in models:
        resolved = resolve(model)
        if resolved.is_checkpoint and CHECKPOINT_RUNTIME in entry.targets:
            found.append(sent_checkpoint(resolved.folder, device))
            continue
        if resolved.is_checkpoint:
            raise ConfigError(
                ["is a checkpoint, and a device runs exported files"],
                where=resolved.name,
                fix=f"edgeir export {model} --target {entry.targets[0]} --out FOLDER",
            )
        artifact, folder = read_artifact(resolved.folder)
        if resolved.file is not None:
            file = file_at(artifact, folder, resolved.file)
        else:
            file = next((one for one in artifact.files if one.target in entry.targets), artifact.main)
        check_runs(device, file.target, resolved.name)
        found.append(SentFile(artifact.source, folder, artifact, file))
    return found


def device_rows(
    device_name: str,
    files: Sequence[SentFile],
    suite: Suite,
    *,
    threads: int = 1,
    runs: int | None = None,
    budget_s: float = 30.0,
    limit: int | None = None,
    quality: bool = True,
    allow_fallback: bool = False,
    settings: Sequence[str] = (),
    progress: Progress = no_progress,
) -> Iterator[Row]:
    """Measure files on one device, one after the other: what was measured before it went away is not lost.

    Args:
        runs: timed runs of each file, after the first; None: as many as `budget_s` seconds allow for all files.
        quality: restore the images of the suite on the device; the golden images go through it in any case.
        allow_fallback: accept that operators ran elsewhere than on the accelerator asked for.
        settings: ``key=value`` for the device's own settings.

    Raises:
        DeviceError: the device does not answer, goes away, or fell back to another processor.
        ConfigError: the suite's size does not fit a file that takes any size.
        ArtifactError: a file cannot run there.
    """
    device = connect(device_name, settings)
    try:
        for index, sent in enumerate(files):
            if sent.baseline and device.facts.emulated:
                continue  # it is there for its time, and there is none
            progress(index, len(files), f"{sent.model} {sent.file.precision} on {device_name}")
            run = _timed(device, sent, suite, threads, runs, budget_s / len(files), progress)
            if run.fell_back and not allow_fallback:
                raise DeviceError(
                    f"{sent.file.path} fell back: {run.placed or 'its operators ran elsewhere than asked for'}",
                    where=device_name,
                    fix="edgeir lint says which operators; --allow-fallback accepts it",
                )
            yield _row(device, sent, suite, run, threads, limit, quality and not sent.baseline)
    finally:
        device.close()
    progress(len(files), len(files), device_name)


def _timed(
    device: Device,
    sent: SentFile,
    suite: Suite,
    threads: int,
    runs: int | None,
    budget_s: float,
    progress: Progress,
) -> DeviceRun:
    return device.time(
        sent.folder / sent.file.path,
        sent.artifact,
        sent.file,
        size=_size(sent, suite),
        threads=threads,
        runs=runs,
        budget_s=budget_s,
        progress=progress,
    )


def _size(sent: SentFile, suite: Suite) -> tuple[int, int]:
    """Of the network's input in a timed run."""
    return sent.file.size or input_size(sent.artifact.facts, suite.timing.height, suite.timing.width)


def _row(
    device: Device,
    sent: SentFile,
    suite: Suite,
    run: DeviceRun,
    threads: int,
    limit: int | None,
    quality: bool,
) -> Row:
    file, facts = sent.file, device.facts
    session = device.open(sent.folder / file.path, sent.artifact, file, threads=threads)
    try:
        golden = None
        if file.golden is not None and not sent.baseline:
            proof = run_golden(
                sent.folder, sent.artifact, file, file.golden, session=session, engine=facts.runtime
            )
            golden = GoldenScore(
                psnr_db=proof.psnr_db,
                max_abs_error=proof.max_abs_error,
                right=golden_problem(proof, file.golden) is None,
            )
        measured = measure_quality(session, suite, limit=limit) if quality else None
    finally:
        session.close()
    size = _size(sent, suite)
    height, width = (side * sent.artifact.facts.net_scale for side in size)
    macs = macs_at(sent.artifact.facts, file, size)
    several = len(device_entry(facts.device).targets) > 1
    kind = f"{file.target} {file.precision}" if several else file.precision
    return Row(
        name=f"{sent.model} {facts.device} {kind}",
        model=sent.model,
        runtime=facts.device,
        target=file.target,
        precision=file.precision,
        role="baseline" if sent.baseline else "candidate",
        input_kind=sent.artifact.facts.input_kind,
        colours=sent.artifact.facts.colour,
        parameters=sent.artifact.parameters,
        macs=macs,
        output_size=(height, width),
        file_bytes=file.bytes,
        sha256=file.sha256,
        quality=measured,
        latency=latency_of_run(run, height, width, threads, macs),
        peak_mib=run.peak_mib,
        device=facts,
        placed=run.placed,
        golden=golden,
        instructions=run.instructions,
        details=run.details,
        note=_note(sent, golden),
    )


def _note(sent: SentFile, golden: GoldenScore | None) -> str:
    if sent.baseline:
        return "untrained: for its time only"
    return "" if golden is None or golden.right else "the device's output of the golden input is wrong"


def latency_of_run(run: DeviceRun, height: int, width: int, threads: int, macs: int) -> Latency | None:
    """Of all runs but the first; None where the device has no clock of its own."""
    if len(run.runs_ms) < 2:
        return None
    first, *rest = run.runs_ms
    median = percentile(rest, 0.5)
    return Latency(
        height=height,
        width=width,
        threads=threads,
        init_ms=run.init_ms or 0.0,
        first_run_ms=first,
        warmup_runs=1,
        repeats=len(rest),
        min_ms=min(rest),
        p50_ms=median,
        p90_ms=percentile(rest, 0.9),
        p99_ms=percentile(rest, 0.99),
        mean_ms=round(statistics.fmean(rest), 4),
        pirm_ms=_pirm(run.runs_ms),
        gmac_s=round(macs / median / 1e6, 2) if median else None,
        samples_ms=tuple(rest),
    )


def _pirm(runs_ms: Sequence[float]) -> float | None:
    """PIRM's rule: of four images the first two are discarded."""
    kept = runs_ms[PIRM_DISCARDED:PIRM_IMAGES]
    return round(statistics.fmean(kept), 4) if len(runs_ms) >= PIRM_IMAGES else None
