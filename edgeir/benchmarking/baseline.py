"""SRCNN, the network that others are set against: timed in the same run, on the same runtime or device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgeir.benchmarking.on_device import files_for
from edgeir.benchmarking.result import Row
from edgeir.benchmarking.sent import SentFile
from edgeir.benchmarking.suite import Suite
from edgeir.benchmarking.timing.prepare import Entry, prepare
from edgeir.benchmarking.timing.untrained import save_network
from edgeir.core.errors import MissingExtraError
from edgeir.core.progress import Progress, no_progress
from edgeir.devices.catalog import device_entry
from edgeir.runtime import catalog

__all__ = ["as_baseline", "baselines", "device_baseline"]

BASELINE = "SRCNN"


def baselines(
    suite: Suite, entries: Sequence[Entry], scratch: Path, progress: Progress
) -> tuple[list[Entry], list[str]]:
    """SRCNN on every runtime that is used, and a note where it cannot be made."""
    if suite.timing.baseline is None:
        return [], []
    used = sorted({entry.runtime for entry in entries})
    runtimes = [
        name for name in used if name == catalog.CHECKPOINT_RUNTIME or catalog.target_of_runtime(name)
    ]
    try:
        checkpoint = _checkpoint(suite, scratch / "srcnn")
        others = [_other_baseline(name, checkpoint, suite, scratch) for name in used if name not in runtimes]
        prepared = _prepared(checkpoint, runtimes, suite, scratch, progress) if runtimes else []
    except (MissingExtraError, ModuleNotFoundError) as error:
        return [], [_not_timed(error)]
    return [*prepared, *others], []


def device_baseline(suite: Suite, device: str, scratch: Path) -> tuple[list[SentFile], list[str]]:
    """SRCNN for a device that is timed, in the first format that it runs, and a note where it cannot be made."""
    entry = device_entry(device)
    target = entry.targets[0]
    checkpoints = target == catalog.CHECKPOINT_RUNTIME
    runtime = target if checkpoints else catalog.target_entry(target).runtime
    if suite.timing.baseline is None or entry.emulated or runtime is None:
        return [], []
    folder = scratch / f"srcnn-{entry.name}"
    folder.mkdir(exist_ok=True)
    try:
        checkpoint = _checkpoint(suite, folder / "checkpoint")
        (prepared,) = _prepared(checkpoint, (runtime,), suite, folder)
    except (MissingExtraError, ModuleNotFoundError) as error:
        return [], [f"{device}: {_not_timed(error)}"]
    files = files_for([prepared.path], device)
    return [replace(sent, model=BASELINE, baseline=True) for sent in files], []


def _checkpoint(suite: Suite, folder: Path) -> Path:
    from edgeir.models import SRCNNConfig

    return save_network(SRCNNConfig(scale=suite.scale), BASELINE, folder)


def _other_baseline(runtime: str, checkpoint: Path, suite: Suite, scratch: Path) -> Entry:
    """SRCNN in the format of a runtime for which edgeir exports none: a frozen TensorFlow graph."""
    from edgeir.benchmarking.timing.frozen_srcnn import write_frozen_srcnn
    from edgeir.checkpoint.load import load_checkpoint
    from edgeir.exporting.import_file import import_file

    graph = write_frozen_srcnn(load_checkpoint(checkpoint)[0], scratch / f"{BASELINE}.pb")
    import_file(graph, scratch / f"{BASELINE}-{runtime}", name=BASELINE, scale=suite.scale)
    (entry,) = _prepared(scratch / f"{BASELINE}-{runtime}", (runtime,), suite, scratch)
    return entry


def _prepared(
    model: Path, runtimes: Sequence[str], suite: Suite, scratch: Path, progress: Progress = no_progress
) -> list[Entry]:
    return prepare(
        model,
        runtimes=runtimes,
        precisions=("fp32",),
        height=suite.timing.height,
        width=suite.timing.width,
        scratch=scratch,
        name=BASELINE,
        time_only=True,
        progress=progress,
    )


def _not_timed(error: Exception) -> str:
    return f"SRCNN was not timed, so there is no ratio to it and no PIRM score: {error}"


def as_baseline(row: Row) -> Row:
    """A timed row of the baseline; it was not trained, so that it has no quality."""
    return row.model_copy(
        update={"role": "baseline", "quality": None, "golden": None, "note": "untrained: for its time only"}
    )
