"""From what the user named to files that a runtime loads at the size to be timed.

An artifact is taken as it is (the variant of the timed size where it has one). A checkpoint runs with torch, and is
exported into a temporary folder for the other runtimes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgeir.benchmarking.timing.measure import input_size
from edgeir.benchmarking.timing.untrained import TIME_ONLY_GATE, write_noise
from edgeir.core.assets import list_zoo, zoo_folder
from edgeir.core.errors import ArtifactError, ConfigError
from edgeir.core.progress import Progress, no_progress
from edgeir.core.requires import require
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact, read_artifact
from edgeir.manifest.card import CARD_NAME, WEIGHTS_NAME, read_card
from edgeir.manifest.facts import NetworkFacts

__all__ = ["Entry", "Precision", "is_checkpoint", "prepare"]

Precision = Literal["fp32", "fp16", "int8"]
RuntimeChoice = Literal["torch", "onnxruntime", "litert"]

RUNTIME_OF: dict[str, RuntimeChoice] = {"tflite": "litert", "onnx": "onnxruntime"}
TARGET_OF: dict[str, Literal["tflite", "onnx"]] = {"litert": "tflite", "onnxruntime": "onnx"}


@dataclass(frozen=True)
class Entry:
    """One thing to run.

    Attributes:
        model: what the user called it.
        path: what `edgeir.load` takes.
        macs: of one picture of the timed size.
    """

    model: str
    path: Path
    runtime: RuntimeChoice
    precision: Precision
    facts: NetworkFacts
    parameters: int
    macs: int
    file_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """``model runtime precision``."""
        return f"{self.model} {self.runtime} {self.precision}"


def is_checkpoint(model: str | Path) -> bool:
    """`model` is a zoo name, a checkpoint folder or a run folder (not an artifact)."""
    path = Path(model)
    if (path / ARTIFACT_NAME).is_file() or path.is_file():
        return False
    return (
        (path / CARD_NAME).is_file() or (path / "checkpoints").is_dir() or zoo_folder(str(model)) is not None
    )


def prepare(
    model: str | Path,
    *,
    runtimes: Sequence[RuntimeChoice],
    precisions: Sequence[Precision],
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
        name: what to call it instead of its own name.
        time_only: the weights mean nothing, so the export may differ from the network by more than its profile allows.

    Raises:
        ConfigError: no requested runtime takes the artifact.
        ArtifactError, CheckpointError, ExportError: it cannot be read or exported.
    """
    if not is_checkpoint(model):
        return [_artifact_entry(Path(model), runtimes, height, width, name)]
    require("torch", "running a checkpoint")
    from edgeir.checkpoint.resolve import resolve_checkpoint

    folder = resolve_checkpoint(model)
    card = read_card(folder)
    entries: list[Entry] = []
    for runtime in runtimes or ("torch",):
        if runtime == "torch":
            entries.append(_torch_entry(folder, height, width, name))
            continue
        size = input_size(card.facts, height, width)
        for precision in precisions:
            out = scratch / f"{len(list(scratch.iterdir()))}-{card.name}-{runtime}-{precision}"
            _export(folder, TARGET_OF[runtime], precision, size, out, time_only, progress)
            entries.append(_artifact_entry(out, (), height, width, name or card.name))
    return entries


def _export(
    folder: Path,
    target: Literal["tflite", "onnx"],
    precision: Precision,
    size: tuple[int, int],
    out: Path,
    time_only: bool,
    progress: Progress,
) -> None:
    from edgeir.exporting.profile import read_profile
    from edgeir.exporting.run import export

    profile = pictures = None
    if time_only:
        pictures = write_noise(out.parent / "noise")
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
        calibration=pictures,
        progress=progress,
    )


def _artifact_entry(
    path: Path, runtimes: Sequence[RuntimeChoice], height: int, width: int, name: str | None
) -> Entry:
    if not path.exists():
        known = ", ".join(list_zoo()) or "empty"
        raise ArtifactError(
            "no artifact, checkpoint or zoo model of that name", where=path, fix=f"zoo: {known}"
        )
    artifact, folder = read_artifact(path)
    runtime = RUNTIME_OF.get(artifact.target)
    if runtime is None or (runtimes and runtime not in runtimes):
        asked = f", and only {', '.join(runtimes)} asked for" if runtimes else ""
        raise ConfigError(
            [f"a {artifact.target} artifact runs with {runtime or 'no runtime here'}{asked}"], where=path
        )
    size = input_size(artifact.facts, height, width)
    file, sha256 = artifact.name, artifact.sha256
    variant = "x".join(map(str, size))
    if path.is_file() and path.name != ARTIFACT_NAME:
        file = path.name
    elif _fixed(artifact) != size and variant in artifact.variants:
        file = artifact.variants[variant]
    if file != artifact.name:
        sha256 = next(
            artifact.variant_sha256[key] for key, value in artifact.variants.items() if value == file
        )
    return Entry(
        model=name or artifact.source,
        path=folder / file,
        runtime=runtime,
        precision=artifact.precision,
        facts=artifact.facts,
        parameters=artifact.parameters,
        macs=_macs(artifact, size),
        file_bytes=(folder / file).stat().st_size,
        sha256=sha256,
    )


def _fixed(artifact: Artifact) -> tuple[int, int] | None:
    shape = artifact.inputs[0].shape
    height, width = shape[1:3] if artifact.inputs[0].layout == "NHWC" else shape[2:4]
    return None if height is None or width is None else (height, width)


def _macs(artifact: Artifact, size: tuple[int, int]) -> int:
    """Of a network input of `size`: the manifest counts its own fixed size, or a 1280x720 output."""
    fixed = _fixed(artifact)
    scale = artifact.facts.net_scale
    counted = fixed[0] * fixed[1] if fixed else 720 * 1280 / scale**2
    return round(artifact.macs * size[0] * size[1] / counted)


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
