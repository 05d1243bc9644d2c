"""What the networks that come with edgeir cost on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeir.benchmarking.timing.files import open_size
from edgeir.benchmarking.timing.measure import Contender, Schedule, measure, percentile
from edgeir.core.progress import Progress, no_progress
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.card import Card
from edgeir.runtime import catalog
from edgeir.runtime.loading import load, packaged_files

__all__ = ["time_zoo"]


def time_zoo(
    entries: Mapping[str, tuple[Card, Path]], *, budget_s: float = 2.0, progress: Progress = no_progress
) -> dict[str, tuple[float, str]]:
    """Milliseconds per megapixel of output of each entry (card and folder), in one thread, and the runtime.

    All are timed in one run, in turns; the median. An entry runs as the file that comes with it where that file's
    runtime is installed, else as its weights.

    Args:
        budget_s: seconds for each, about.

    Raises:
        MissingExtraError: neither the file's runtime nor torch is installed.
    """
    if not entries:
        return {}
    contenders, runtimes = [], []
    for name, (card, folder) in entries.items():
        runtime, size = _how(card, folder)
        runtimes.append(runtime)
        scale = card.facts.net_scale

        def opened(name: str = name, runtime: str = runtime) -> object:
            return load(name, runtime=runtime)

        contenders.append(Contender(name, opened, size[0] * scale, size[1] * scale))  # type: ignore[arg-type]
    schedule = Schedule(warmup_s=0.2, budget_s=budget_s * len(contenders), min_rounds=3)
    results = measure(contenders, schedule, progress=progress)
    found = {}
    for contender, runtime, result in zip(contenders, runtimes, results, strict=True):
        median = percentile([run for turn in result.turns_ms for run in turn], 0.5)
        found[contender.name] = (1e6 * median / (contender.height * contender.width), runtime)
    return found


def _how(card: Card, folder: Path) -> tuple[str, tuple[int, int]]:
    """The runtime that an entry is timed with, and the size of the network's input."""
    for runtime, packaged in packaged_files(folder).items():
        if catalog.runtime_entry(runtime).version is not None:
            artifact, _ = read_artifact(packaged, verify=False)
            return runtime, artifact.main.size or open_size(card.facts.size_multiple, None)
    return catalog.CHECKPOINT_RUNTIME, open_size(card.facts.size_multiple, None)
