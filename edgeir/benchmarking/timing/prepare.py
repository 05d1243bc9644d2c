"""From the models that the user named to files that a runtime loads at the size to be timed.

An artifact is taken as it is (the variant of the timed size where it has one). A checkpoint runs with torch, and is
exported into a temporary folder for the other runtimes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeir.benchmarking.timing.measure import input_size
from edgeir.benchmarking.timing.untrained import TIME_ONLY_GATE, write_noise
from edgeir.checkpoint.resolve import Found, resolve
from edgeir.core.errors import ConfigError
from edgeir.core.progress import Progress, no_progress
from edgeir.core.requires import require
from edgeir.manifest.artifact import ModelFile, read_artifact
from edgeir.manifest.card import WEIGHTS_NAME, read_card
from edgeir.manifest.facts import NetworkFacts
from edgeir.runtime import catalog
from edgeir.runtime.loading import file_at

__all__ = ["Entry", "macs_at", "prepare"]


@dataclass(frozen=True)
class Entry:
    """One thing to run.

    Attributes:
        model: the name that the user gave.
        path: for `edgeir.load`.
        macs: of one image of the timed size.
    """

    model: str
    path: Path
    runtime: str
    precision: str
    facts: NetworkFacts
    parameters: int
    macs: int
    file_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """``model runtime precision``."""
        return f"{self.model} {self.runtime} {self.precision}"


def prepare(
    model: str | Path,
    *,
    runtimes: Sequence[str],
    precisions: Sequence[str],
    height: int,
    width: int,
    scratch: Path,
    name: str | None = None,
    time_only: bool = False,
    progress: Progress = no_progress,
) -> list[Entry]:
    """The entries to run for `model`.

    Args:
        runtimes: for a checkpoint all of them; an artifact runs where it belongs, and must be among them if any are
            given. None given: torch for a checkpoint.
        precisions: what a checkpoint is exported to; torch runs fp32 only.
        height, width: output size to be timed.
        scratch: a folder for temporary exports.
        name: replaces its own name.
        time_only: the network is untrained, so the export may differ from it by more than its profile allows.

    Raises:
        ConfigError: no requested runtime takes the artifact.
        ArtifactError, CheckpointError, ExportError: it cannot be read or exported.
    """
    resolved = resolve(model)
    if not resolved.is_checkpoint:
        return [_artifact_entry(resolved, runtimes, height, width, name)]
    require("torch", "running a checkpoint")
    folder = resolved.folder
    card = read_card(folder)
    entries: list[Entry] = []
    for runtime in runtimes or (catalog.CHECKPOINT_RUNTIME,):
        target = catalog.target_of_runtime(runtime)
        if runtime == catalog.CHECKPOINT_RUNTIME:
            entries.append(_torch_entry(folder, height, width, name))
            continue
        if target is None:
            raise ConfigError(
                [f"edgeir writes no files that {catalog.runtime_entry(runtime).title} runs"], where=card.name
            )
        _check_timed(runtime, card.name)
        size = input_size(card.facts, height, width)
        for precision in precisions:
            out = scratch / f"{len(list(scratch.iterdir()))}-{card.name}-{runtime}-{precision}"
            _export(folder, target.name, precision, size, out, time_only, progress)
            entries.append(_artifact_entry(resolve(out), (), height, width, name or card.name))
    return entries


def _export(
    folder: Path,
    target: str,
    precision: str,
    size: tuple[int, int],
    out: Path,
    time_only: bool,
    progress: Progress,
) -> None:
    from edgeir.exporting.profile import read_profile
    from edgeir.exporting.run import export

    profile = noise = None
    if time_only:
        noise = write_noise(out.parent / "noise")
        strict = read_profile(f"{target}-{precision}")
        gate = strict.gate.model_copy(update=TIME_ONLY_GATE)
        profile = strict.model_copy(update={"gate": gate})
    export(
        folder,
        target=target,
        precision=precision,
        sizes=[size],
        profile=profile,
        out=out,
        calibration=noise,
        worst_image=False,
        progress=progress,
    )


def _check_timed(runtime: str, where: str) -> None:
    """Refuse a runtime whose time is not that of the format, or that is not on this system."""
    entry = catalog.runtime_entry(runtime)
    if not entry.runs_here:
        raise ConfigError([f"{entry.title} runs on {entry.system_name} only"], where=where)
    if not entry.timed:
        raise ConfigError(
            [f"{entry.title} interprets the network, and the time of that says nothing about a device"],
            where=where,
            fix="measure its quality with edgeir eval, and its time on its own system",
        )


def _artifact_entry(
    resolved: Found, runtimes: Sequence[str], height: int, width: int, name: str | None
) -> Entry:
    artifact, folder = read_artifact(resolved.folder)
    size = input_size(artifact.facts, height, width)
    file = file_at(artifact, folder, resolved.file, runtimes)
    if resolved.file is None and file.size != size:
        # A further size, where there is one that is to be timed.
        same = [other for other in artifact.files if _kind(other) == _kind(file)]
        file = next((other for other in same if other.size == size), file)
    runtime = next(iter(catalog.runtimes_of(file.target)), None)
    if runtime is None or (runtimes and runtime not in runtimes):
        asked = f", and only {', '.join(runtimes)} asked for" if runtimes else ""
        raise ConfigError(
            [f"a {file.target} artifact runs with {runtime or 'no runtime here'}{asked}"],
            where=resolved.name,
        )
    _check_timed(runtime, resolved.name)
    return Entry(
        model=name or artifact.source,
        path=folder / file.path,
        runtime=runtime,
        precision=file.precision,
        facts=artifact.facts,
        parameters=artifact.parameters,
        macs=macs_at(artifact.facts, file, size),
        file_bytes=file.bytes,
        sha256=file.sha256,
    )


def _kind(file: ModelFile) -> tuple[str, str, str]:
    return file.target, file.precision, file.inputs[0].dtype


def macs_at(facts: NetworkFacts, file: ModelFile, size: tuple[int, int]) -> int:
    """Multiply-accumulates at a network input of `size`; the manifest counts its fixed size, or a 1280x720 output."""
    counted = file.size[0] * file.size[1] if file.size else 720 * 1280 / facts.net_scale**2
    return round(file.macs * size[0] * size[1] / counted)


def _torch_entry(folder: Path, height: int, width: int, name: str | None) -> Entry:
    from edgeir.checkpoint.load import load_checkpoint
    from edgeir.models.base import parameter_count

    network, card, _ = load_checkpoint(folder)
    return Entry(
        model=name or card.name,
        path=folder,
        runtime="torch",
        precision="fp32",
        facts=card.facts,
        parameters=parameter_count(network.deploy()),
        macs=network.macs(*input_size(card.facts, height, width)),
        file_bytes=(folder / WEIGHTS_NAME).stat().st_size,
        sha256=card.weights_sha256,
    )
