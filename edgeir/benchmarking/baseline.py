"""SRCNN, the network that others are set against: timed in the same run, on the same runtime or device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgeir.benchmarking.on_device import SentFile, files_for
from edgeir.benchmarking.result import Row
from edgeir.benchmarking.suite import Suite
from edgeir.benchmarking.timing.prepare import Entry, prepare
from edgeir.benchmarking.timing.untrained import save_network
from edgeir.core.errors import MissingExtraError
from edgeir.core.progress import Progress
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
        from edgeir.models import SRCNNConfig

        checkpoint = save_network(SRCNNConfig(scale=suite.scale), BASELINE, scratch / "srcnn")
        others = [_other_baseline(name, checkpoint, suite, scratch) for name in used if name not in runtimes]
        if not runtimes:
            return others, []
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
    return [*prepared, *others], []


def _other_baseline(runtime: str, checkpoint: Path, suite: Suite, scratch: Path) -> Entry:
    """SRCNN in the format of a runtime for which edgeir exports none: a frozen TensorFlow graph."""
    from edgeir.benchmarking.timing.frozen_srcnn import write_frozen_srcnn
    from edgeir.checkpoint.load import load_checkpoint
    from edgeir.exporting.import_file import import_file

    graph = write_frozen_srcnn(load_checkpoint(checkpoint)[0], scratch / f"{BASELINE}.pb")
    import_file(graph, scratch / f"{BASELINE}-{runtime}", name=BASELINE, scale=suite.scale)
    (entry,) = prepare(
        scratch / f"{BASELINE}-{runtime}",
        runtimes=(runtime,),
        precisions=(),
        height=suite.timing.height,
        width=suite.timing.width,
        scratch=scratch,
        name=BASELINE,
    )
    return entry


def device_baseline(suite: Suite, device: str, scratch: Path) -> list[SentFile]:
    """SRCNN for a device that is timed, in the first format that it runs."""
    entry = device_entry(device)
    runtime = catalog.target_entry(entry.targets[0]).runtime
    if suite.timing.baseline is None or entry.emulated or runtime is None:
        return []
    from edgeir.models import SRCNNConfig

    folder = scratch / f"srcnn-{entry.name}"
    folder.mkdir(exist_ok=True)
    try:
        checkpoint = save_network(SRCNNConfig(scale=suite.scale), BASELINE, folder / "checkpoint")
        (prepared,) = prepare(
            checkpoint,
            runtimes=(runtime,),
            precisions=("fp32",),
            height=suite.timing.height,
            width=suite.timing.width,
            scratch=folder,
            name=BASELINE,
            time_only=True,
        )
    except (MissingExtraError, ModuleNotFoundError):
        return []
    return [replace(sent, model=BASELINE, baseline=True) for sent in files_for([prepared.path], device)]


def as_baseline(row: Row) -> Row:
    """A timed row of the baseline; it was not trained, so that it has no quality."""
    return row.model_copy(
        update={"role": "baseline", "quality": None, "golden": None, "note": "untrained: for its time only"}
    )
