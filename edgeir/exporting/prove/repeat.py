"""``edgeir prove``: repeat the proof of an artifact, at any time and on any machine that runs its files.

The golden arrays beside the files need only the runtime: the output of the first file is compared with that of the
network (`edgeir.exporting.prove.golden`). With the checkpoint, every file is also compared with the network on
photographs and extremes, as in the export.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError, ConfigError, ParityError
from edgeir.core.files import write_json
from edgeir.core.progress import Progress, no_progress
from edgeir.core.trust import honours_trust
from edgeir.exporting.prove.gate import check_gate
from edgeir.exporting.prove.golden import GOLDEN_FOLDER, GoldenProof, golden_of, golden_problem, run_golden
from edgeir.exporting.prove.images import degradation_of, patches, proof_photographs
from edgeir.exporting.prove.on_device import prove_files_on, with_run
from edgeir.exporting.prove.run import input_size, judged, prove
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact, read_artifact
from edgeir.manifest.parity import AnyParity, Gate, NativeRun, NotRun, Parity
from edgeir.runtime import catalog

__all__ = ["GoldenProof", "Proof", "prove_again"]


class Proof(Config):
    """The result of `prove_again`."""

    golden: GoldenProof
    native: NativeRun | NotRun | None = None
    """The golden input on the runtime of the devices, which is written into the manifest; None for a format whose
    runtime is the same everywhere."""
    devices: dict[str, dict[str, NativeRun]] = Field(default={})
    """Of each device that was asked for, the golden runs by path of the file; in the manifest as well."""
    files: dict[str, AnyParity] = Field(default={})
    """Path of every file to its proof against the checkpoint; empty without one."""


@honours_trust
def prove_again(
    artifact: str | Path,
    *,
    checkpoint: str | Path | None = None,
    proof: str | Path | None = None,
    worst_images: str | Path | None = None,
    on: Sequence[str] = (),
    trust_code: bool = False,
    progress: Progress = no_progress,
) -> Proof:
    """Run the files of an artifact and compare them with the network that they were made of.

    Args:
        artifact: an artifact or bundle: its folder, manifest or one of its files.
        checkpoint: the exported checkpoint; None: compare the golden arrays only.
        proof: a folder of further photographs.
        worst_images: a folder to write a picture into for each file, of the photograph on which it loses most; made
            where it is not there. Needs `checkpoint`.
        on: devices (`edgeir.devices.catalog`) to run the golden inputs of the files on as well.
        trust_code: see `edgeir.load`.

    Raises:
        ConfigError: `worst_images` without a checkpoint; a device that there is not, or that does not run the format.
        DeviceError: a device does not answer.
        ArtifactError: it cannot be read or run, has no golden arrays, or was made of another checkpoint.
        ParityError: a file differs from the network by more than the gate that it was exported with.
        CheckpointError, DataError, MissingExtraError: as their names say.
    """
    if worst_images is not None and checkpoint is None:
        raise ConfigError(
            ["pictures of the worst photograph need the network"], fix="name the checkpoint as well"
        )
    manifest, folder = read_artifact(artifact)
    gate = manifest.main.parity.gate if isinstance(manifest.main.parity, Parity) else None
    golden = _golden(folder, manifest, gate, "use another version of the runtime")
    native = _native(folder, manifest, gate)
    devices: dict[str, dict[str, NativeRun]] = {}
    for number, name in enumerate(on):
        progress(number, len(on), f"running the golden inputs on {name}")
        devices[name] = prove_files_on(name, folder, manifest)
        _keep(folder, devices[name])
    if checkpoint is None:
        return Proof(golden=golden, native=native, devices=devices)
    pictures = None if worst_images is None else Path(worst_images)
    files = _against(folder, manifest, checkpoint, proof, pictures, progress)
    return Proof(golden=golden, native=native, devices=devices, files=files)


def _native(folder: Path, artifact: Artifact, gate: Gate | None) -> NativeRun | NotRun | None:
    """Run the golden input on the device's runtime where this is its system, and add the row to the manifest."""
    name = catalog.target_entry(artifact.main.target).native
    if name is None:
        return None
    entry = catalog.runtime_entry(name)
    if not entry.runs_here:
        return NotRun(
            reason=f"{entry.title} is not on this system",
            command=f"edgeir prove {folder.name}, on {entry.system_name}",
        )
    fix = "choose a higher precision, or another version of the system"
    found = _golden(folder, artifact, gate, fix, runtime=name)
    run = NativeRun(
        engine=found.engine,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        max_abs_error=found.max_abs_error,
        drift=found.drift,
    )
    _keep(folder, {artifact.main.path: run})
    return run


def _keep(folder: Path, runs: Mapping[str, NativeRun]) -> None:
    """Add runs, by path of the file, to the manifest. A bundle stays as it was made: it is checked by its bytes."""
    if not (folder / ARTIFACT_NAME).is_file():
        return
    artifact, _ = read_artifact(folder, verify=False)
    files = tuple(with_run(file, runs[file.path]) if file.path in runs else file for file in artifact.files)
    changed = artifact.model_copy(update={"files": files})
    write_json(folder / ARTIFACT_NAME, changed.model_dump(mode="json"))


def _golden(
    folder: Path, artifact: Artifact, gate: Gate | None, fix: str, runtime: str = "auto"
) -> GoldenProof:
    """Run the first file on its golden input.

    Artifacts of edgeir before their manifest named the arrays have them too; the limits are those of their gate.
    """
    file = artifact.main
    if file.golden is None and isinstance(file.parity, NotRun) and not (folder / GOLDEN_FOLDER).is_dir():
        raise ArtifactError(f"has no golden arrays ({file.parity.reason})", where=folder)
    golden = file.golden or golden_of(gate or _open_gate())
    found = run_golden(folder, artifact, file, golden, runtime=runtime)
    if (problem := golden_problem(found, golden)) is not None:
        raise ParityError(problem, where=folder / file.path, fix=fix)
    return found


def _against(
    folder: Path,
    artifact: Artifact,
    checkpoint: str | Path,
    proof: str | Path | None,
    pictures: Path | None,
    progress: Progress,
) -> dict[str, AnyParity]:
    from edgeir.checkpoint.load import load_checkpoint

    network, card, where = load_checkpoint(checkpoint)
    if card.weights_sha256 != artifact.checkpoint_sha256:
        raise ArtifactError(
            f"the artifact was made of another checkpoint than {where}",
            where=folder,
            fix="name the one it was made of",
        )
    network = judged(network)
    if artifact.facts.sigma is not None:
        network = network.at_sigma(artifact.facts.sigma)
    if artifact.statistics == "constant":
        raise ArtifactError(
            "constant statistics are in the file only: the checkpoint does not have them", where=folder,
            fix="leave the checkpoint out",
        )  # fmt: skip
    proofs: dict[str, AnyParity] = {}
    for index, file in enumerate(artifact.files):
        progress(index, len(artifact.files), f"comparing {file.path} with the network")
        gate = file.parity.gate if isinstance(file.parity, Parity) else _open_gate()
        degradation = degradation_of(card)
        crops = patches(
            proof_photographs(proof, ()), network.facts, degradation, input_size(network.facts, file.size),
            per_image=1, seed=2,
        )  # fmt: skip
        picture = None if pictures is None else pictures / f"{Path(file.path).name}.png"
        proofs[file.path] = prove(
            folder, artifact, file, network, crops, gate, degradation=degradation, golden=False, worst=picture
        )
        parity = proofs[file.path]
        if isinstance(parity, Parity):
            check_gate(parity, where=str(folder / file.path))
    progress(len(artifact.files), len(artifact.files), "done")
    return proofs


def _open_gate() -> Gate:
    """For a file whose manifest holds no gate: nothing is refused, the figures are shown."""
    return Gate(**dict.fromkeys(Gate.model_fields, 1e9))
