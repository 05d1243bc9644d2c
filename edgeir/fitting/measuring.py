"""Measure files on this machine or on a device: one row of a result for each, in the result's own form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from edgeir.benchmarking.entries import busy_notes, part, time_entries
from edgeir.benchmarking.on_device import latency_of_run
from edgeir.benchmarking.result import Row
from edgeir.benchmarking.timing.measure import Schedule
from edgeir.benchmarking.timing.prepare import macs_at, prepare
from edgeir.core.environment import machine
from edgeir.core.errors import ConfigError
from edgeir.core.progress import Progress
from edgeir.devices.catalog import check_runs, connect
from edgeir.fitting.budget import HERE
from edgeir.manifest.artifact import read_artifact
from edgeir.runtime import catalog

__all__ = ["Here", "Measurer", "OnDevice", "measurer_for"]


class Measurer(Protocol):
    """Something that measures artifacts, each of one file with a fixed size."""

    where: str
    """Runtime, version, threads, processor: files measured under one text may be compared."""

    def __call__(self, folders: Sequence[Path], progress: Progress) -> list[Row]:
        """A row for each folder, in order, with times or instructions; `note` where they may be wrong.

        Raises:
            DeviceError: the device is gone.
            ArtifactError: a file cannot run there.
        """
        ...


def measurer_for(on: str, target: str, *, threads: int, seconds: float) -> Measurer:
    """That of this machine or of a device, which must answer now.

    Raises:
        ConfigError: there is no such device, it does not run the format, or nothing here does.
        DeviceError: it does not answer.
    """
    return Here(target, threads, seconds) if on in HERE else OnDevice(on, target, threads, seconds)


class Here:
    """The runtime of this machine; all files of a call in one run, in turns."""

    def __init__(self, target: str, threads: int, seconds: float) -> None:
        entry = catalog.target_entry(target)
        runtime = None if entry.runtime is None else catalog.runtime_entry(entry.runtime)
        if runtime is None or not runtime.timed or not runtime.runs_here:
            raise ConfigError(
                [f"{entry.title} files are not timed on this machine"],
                where="--target",
                fix="choose another --target, or a device with --on",
            )
        self._threads, self._seconds = threads, seconds
        self.where = f"{runtime.title} {runtime.version}, {_threads(threads)}, {machine()['cpu']}"

    def __call__(self, folders: Sequence[Path], progress: Progress) -> list[Row]:
        """See `Measurer`."""
        entries = []
        for folder in folders:
            artifact, _ = read_artifact(folder, verify=False)
            assert artifact.main.size is not None
            height, width = (side * artifact.facts.net_scale for side in artifact.main.size)
            entries += prepare(
                folder, runtimes=(), precisions=(), height=height, width=width, scratch=folder.parent
            )
        rows, facts = time_entries(
            entries,
            height=height,
            width=width,
            threads=self._threads,
            schedule=Schedule(budget_s=self._seconds * len(entries)),
            memory=False,
            progress=progress,
        )
        note = "; ".join(busy_notes(facts))
        return [row.model_copy(update={"ratios": (), "note": note}) for row in rows]


class OnDevice:
    """A device of `edgeir.devices.catalog`; files one after the other."""

    def __init__(self, name: str, target: str, threads: int, seconds: float) -> None:
        check_runs(name, target, "--on")
        device = connect(name)  # now: not after minutes of exports
        device.close()
        self._name, self._threads, self._seconds = name, threads, seconds
        facts = device.facts
        many = "" if facts.emulated else f", {_threads(threads)}"
        self.where = f"{facts.runtime}, {facts.title}{many}"

    def __call__(self, folders: Sequence[Path], progress: Progress) -> list[Row]:
        """See `Measurer`."""
        device = connect(self._name)
        try:
            rows = []
            for number, folder in enumerate(folders):
                artifact, folder = read_artifact(folder, verify=False)
                file = artifact.main
                assert file.size is not None
                run = device.time(
                    folder / file.path,
                    artifact,
                    file,
                    size=file.size,
                    threads=self._threads,
                    budget_s=self._seconds,
                    progress=part(progress, 100 * number / len(folders), 100 * (number + 1) / len(folders)),
                )
                height, width = (side * artifact.facts.net_scale for side in file.size)
                macs = macs_at(artifact.facts, file, file.size)
                rows.append(
                    Row(
                        name=artifact.source,
                        model=artifact.source,
                        runtime=device.facts.device,
                        target=file.target,
                        precision=file.precision,
                        parameters=artifact.parameters,
                        macs=macs,
                        output_size=(height, width),
                        file_bytes=file.bytes,
                        sha256=file.sha256,
                        latency=latency_of_run(run, height, width, self._threads, macs),
                        peak_mib=run.peak_mib,
                        device=device.facts,
                        placed=run.placed,
                        instructions=run.instructions,
                        details=run.details,
                    )
                )
            return rows
        finally:
            device.close()


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
