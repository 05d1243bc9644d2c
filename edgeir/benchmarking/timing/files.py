"""Time the files of several artifacts against each other: what `--precision auto` chooses by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeir.benchmarking.timing.measure import Contender, Schedule, measure, percentile
from edgeir.core.environment import machine
from edgeir.core.progress import Progress, no_progress
from edgeir.exporting.ladder.run import Timer
from edgeir.exporting.ladder.work import Timed
from edgeir.manifest.artifact import read_artifact
from edgeir.runtime import catalog
from edgeir.runtime.loading import load_file

__all__ = ["open_size", "timer"]

OPEN_SIZE = (128, 128)
"""Input that a file of any size is timed on, before it is rounded up to what the network takes."""


def timer(
    *,
    threads: int = 1,
    budget_s: float = 10.0,
    size: tuple[int, int] | None = None,
    progress: Progress = no_progress,
) -> Timer:
    """A `Timer` on the runtime at hand: all files in one run, in turns.

    Args:
        threads: threads inside one operator.
        budget_s: seconds for each file, about.
        size: height and width of the input of files that take any.
    """

    def timed(folders: Sequence[Path]) -> tuple[str, list[Timed]]:
        contenders = [_contender(str(number), folder, threads, size) for number, folder in enumerate(folders)]
        if not contenders:
            return "nothing", []
        schedule = Schedule(budget_s=budget_s * len(contenders))
        results = measure(contenders, schedule, progress=progress)
        times = []
        for result in results:
            runs = [run for turn in result.turns_ms for run in turn]
            times.append(Timed(round(percentile(runs, 0.5), 4), round(percentile(runs, 0.9), 4)))
        return _where(folders[0], threads, size), times

    return timed


def _contender(name: str, folder: Path, threads: int, size: tuple[int, int] | None) -> Contender:
    artifact, folder = read_artifact(folder, verify=False)
    height, width = artifact.main.size or open_size(artifact.facts.size_multiple, size)
    scale = artifact.facts.net_scale
    return Contender(
        name,
        lambda: load_file(folder, artifact, artifact.main, threads=threads),
        height * scale,
        width * scale,
    )


def open_size(multiple: int, size: tuple[int, int] | None) -> tuple[int, int]:
    """Input on which a file of any size is timed, in multiples of what the network takes."""
    height, width = (-(-side // multiple) * multiple for side in size or OPEN_SIZE)
    return height, width


def _where(folder: Path, threads: int, size: tuple[int, int] | None) -> str:
    artifact, _ = read_artifact(folder, verify=False)
    runtime = catalog.runtime_entry(catalog.runtimes_of(artifact.main.target)[0])
    height, width = artifact.main.size or open_size(artifact.facts.size_multiple, size)
    many = "1 thread" if threads == 1 else f"{threads} threads"
    return f"{runtime.title} {runtime.version}, {many}, input {height}x{width}, {machine()['cpu']}"
