"""Time the files of several artifacts on a device, or count their instructions where its clock says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeir.benchmarking.timing.files import open_size
from edgeir.benchmarking.timing.measure import percentile
from edgeir.core.errors import ConfigError, DeviceError
from edgeir.core.progress import Progress, no_progress
from edgeir.devices.catalog import check_runs, connect, device_entry
from edgeir.devices.device import Device, DeviceRun
from edgeir.exporting.ladder.run import Timer
from edgeir.exporting.ladder.work import Timed
from edgeir.manifest.artifact import read_artifact

__all__ = ["device_timer"]


def device_timer(
    name: str,
    *,
    target: str,
    threads: int = 1,
    budget_s: float = 10.0,
    size: tuple[int, int] | None = None,
    milliseconds: bool = False,
    progress: Progress = no_progress,
) -> Timer:
    """A `Timer` on a device of `edgeir.devices.catalog`: all files, one after the other.

    Args:
        target: the format of the files.
        budget_s: seconds for each file, about.
        size: height and width of the input of files that take any.
        milliseconds: the time is compared with a limit, which instructions are not.

    Raises:
        ConfigError: there is no such device, it does not run the format, or counts where milliseconds are wanted.
        DeviceError: it does not answer.
    """
    check_runs(name, target, "--on")
    if milliseconds and device_entry(name).emulated:
        raise ConfigError(
            ["counts instructions, and they are not milliseconds"],
            where=name,
            fix="leave --target-latency out, or choose a device that has a clock",
        )
    connect(name).close()

    def timed(folders: Sequence[Path]) -> tuple[str, list[Timed]]:
        device = connect(name)
        try:
            costs = [_timed(device, folder, threads, budget_s, size, progress) for folder in folders]
            return _where(device, threads, costs), costs
        finally:
            device.close()

    return timed


def _timed(
    device: Device,
    folder: Path,
    threads: int,
    budget_s: float,
    size: tuple[int, int] | None,
    progress: Progress,
) -> Timed:
    artifact, folder = read_artifact(folder, verify=False)
    file = artifact.main
    run = device.time(
        folder / file.path,
        artifact,
        file,
        size=file.size or open_size(artifact.facts.size_multiple, size),
        threads=threads,
        budget_s=budget_s,
        progress=progress,
    )
    return _cost(run, device.facts.device)


def _cost(run: DeviceRun, device: str) -> Timed:
    if len(run.runs_ms) > 1:
        rest = run.runs_ms[1:]
        return Timed(round(percentile(rest, 0.5), 4), round(percentile(rest, 0.9), 4))
    if run.instructions is None:
        raise DeviceError("neither times nor counts", where=device)
    return Timed(instructions=run.instructions["total"])


def _where(device: Device, threads: int, costs: Sequence[Timed]) -> str:
    many = "1 thread" if threads == 1 else f"{threads} threads"
    counted = any(cost.instructions is not None for cost in costs)
    return f"{device.facts.runtime}, {device.facts.title}{'' if counted else f', {many}'}"
