"""``edgeir prove``: repeat the proof of an artifact, at any time and on any machine that runs its files.

The golden arrays beside the files need only the runtime: the output of the first file for ``input.npy`` is compared
with ``expected.npy``, the output of the network. With the checkpoint, every file is also compared with the network on
photographs and extremes, as in the export.
"""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError, ParityError
from edgeir.core.files import write_json
from edgeir.core.progress import Progress, no_progress
from edgeir.core.trust import honours_trust
from edgeir.exporting.prove.gate import check_gate
from edgeir.exporting.prove.images import degradation_of, patches, proof_photographs
from edgeir.exporting.prove.run import input_size, prove
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact, ModelFile, read_artifact
from edgeir.manifest.parity import AnyParity, Gate, NativeRun, NotRun, Parity
from edgeir.runtime import catalog
from edgeir.runtime.loading import load_file
from edgeir.runtime.session import from_native

__all__ = ["GoldenProof", "Proof", "prove_again"]

GOLDEN = ("input", "output", "expected")


class GoldenProof(Config):
    """The first file on the golden input."""

    engine: str
    """What ran the file."""
    max_abs_error: float
    """Largest difference from the network's output, on the [0, 1] scale."""
    drift: float
    """Largest difference from the file's output at the time of the export, on the [0, 1] scale."""


class Proof(Config):
    """The result of `prove_again`."""

    golden: GoldenProof
    native: NativeRun | NotRun | None = None
    """The golden input on the runtime of the devices, which is written into the manifest; None for a format whose
    runtime is the same everywhere."""
    files: dict[str, AnyParity] = Field(default={})
    """Path of every file to its proof against the checkpoint; empty without one."""


@honours_trust
def prove_again(
    artifact: str | Path,
    *,
    checkpoint: str | Path | None = None,
    proof: str | Path | None = None,
    trust_code: bool = False,
    progress: Progress = no_progress,
) -> Proof:
    """Run the files of an artifact and compare them with the network that they were made of.

    Args:
        artifact: its folder, manifest or one of its files.
        checkpoint: the exported checkpoint; None: compare the golden arrays only.
        proof: a folder of further photographs.
        trust_code: see `edgeir.load`.

    Raises:
        ArtifactError: it cannot be read or run, has no golden arrays, or was made of another checkpoint.
        ParityError: a file differs from the network by more than the gate that it was exported with.
        CheckpointError, DataError, MissingExtraError: as their names say.
    """
    manifest, folder = read_artifact(artifact)
    gate = manifest.main.parity.gate if isinstance(manifest.main.parity, Parity) else None
    golden = _golden(folder, manifest, manifest.main)
    _check(golden, gate, folder / manifest.main.path, "use another version of the runtime")
    native = _native(folder, manifest, gate)
    if checkpoint is None:
        return Proof(golden=golden, native=native)
    files = _against(folder, manifest, checkpoint, proof, progress)
    return Proof(golden=golden, native=native, files=files)


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
    found = _golden(folder, artifact, artifact.main, runtime=name)
    fix = "choose a higher precision, or another version of the system"
    _check(found, gate, folder / artifact.main.path, fix)
    run = NativeRun(
        engine=found.engine,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        max_abs_error=found.max_abs_error,
        drift=found.drift,
    )
    others = [
        old for old in artifact.main.native_runs if (old.engine, old.system) != (run.engine, run.system)
    ]
    main = artifact.main.model_copy(update={"native_runs": (*others, run)})
    changed = artifact.model_copy(update={"files": (main, *artifact.files[1:])})
    write_json(folder / ARTIFACT_NAME, changed.model_dump(mode="json"))
    return run


def _check(found: GoldenProof, gate: Gate | None, where: Path, fix: str) -> None:
    if gate is not None and found.max_abs_error > gate.max_abs_error:
        raise ParityError(
            f"on the golden input {found.engine} differs from the network by {found.max_abs_error:.2e}, "
            f"{gate.max_abs_error:.2e} are allowed",
            where=where,
            fix=fix,
        )


def _golden(folder: Path, artifact: Artifact, file: ModelFile, *, runtime: str = "auto") -> GoldenProof:
    arrays: dict[str, NDArray[np.generic]] = {}
    for name in GOLDEN:
        path = folder / "golden" / f"{name}.npy"
        try:
            arrays[name] = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise ArtifactError(
                "a golden array is missing or damaged", where=path, fix="export it again"
            ) from error
    session = load_file(folder, artifact, file, runtime=runtime)
    try:
        expected_shapes = [spec.shape for spec in (file.inputs[0], file.outputs[0], file.outputs[0])]
        for (name, array), shape in zip(arrays.items(), expected_shapes, strict=True):
            if len(array.shape) != 4 or any(
                b is not None and a != b for a, b in zip(array.shape, shape, strict=True)
            ):
                raise ArtifactError(
                    f"the golden array `{name}` has shape {array.shape}, the file's is {shape}",
                    where=folder / "golden",
                )
        output = np.array(session.run_raw(arrays["input"]))
    finally:
        session.close()
    spec = file.outputs[0]
    got, before = from_native(output, spec), from_native(arrays["output"], spec)
    wanted = from_native(arrays["expected"], spec.model_copy(update={"dtype": "float32"}))
    entry = catalog.runtime_entry(session.runtime)
    return GoldenProof(
        engine=f"{entry.title} {entry.version}",
        max_abs_error=float(np.abs(got - wanted).max()),
        drift=float(np.abs(got - before).max()),
    )


def _against(
    folder: Path, artifact: Artifact, checkpoint: str | Path, proof: str | Path | None, progress: Progress
) -> dict[str, AnyParity]:
    from edgeir.checkpoint.load import load_checkpoint

    network, card, where = load_checkpoint(checkpoint)
    if card.weights_sha256 != artifact.checkpoint_sha256:
        raise ArtifactError(
            f"the artifact was made of another checkpoint than {where}",
            where=folder,
            fix="name the one it was made of",
        )
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
        crops = patches(
            proof_photographs(proof, ()), network.facts, degradation_of(card), input_size(network.facts, file.size),
            per_image=1, seed=2,
        )  # fmt: skip
        proofs[file.path] = prove(folder, artifact, file, network, crops, gate, golden=False)
        parity = proofs[file.path]
        if isinstance(parity, Parity):
            check_gate(parity, where=str(folder / file.path))
    progress(len(artifact.files), len(artifact.files), "done")
    return proofs


def _open_gate() -> Gate:
    """For a file whose manifest holds no gate: nothing is refused, the figures are shown."""
    return Gate(**dict.fromkeys(Gate.model_fields, 1e9))
