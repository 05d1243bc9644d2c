"""Run a model file on its golden input, and compare the output with the network's and with that of the export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError
from edgeir.manifest.artifact import Artifact, ModelFile, TensorSpec
from edgeir.manifest.model_file import Golden
from edgeir.manifest.parity import Gate
from edgeir.metrics.psnr import unrounded_psnr
from edgeir.runtime import catalog
from edgeir.runtime.loading import load_file
from edgeir.runtime.session import Session, from_native

__all__ = ["GOLDEN_FOLDER", "GoldenProof", "golden_of", "golden_problem", "run_golden"]

GOLDEN_FOLDER = "golden"
EQUAL_DB = 100.0
"""Of equal outputs."""


class GoldenProof(Config):
    """A file on its golden input."""

    engine: str
    """What ran the file."""
    psnr_db: float
    """Of its output, the network's output being the truth; 100 dB where they are equal."""
    max_abs_error: float
    """Largest difference from the network's output, on the [0, 1] scale."""
    p99_abs_error: float
    """99th percentile of these differences."""
    drift: float
    """Largest difference from the file's output at the time of the export, on the [0, 1] scale."""


def golden_of(gate: Gate) -> Golden:
    """Where an export writes the arrays of its first file, with the tolerances of its gate."""
    return Golden(
        input=f"{GOLDEN_FOLDER}/input.npy",
        output=f"{GOLDEN_FOLDER}/output.npy",
        expected=f"{GOLDEN_FOLDER}/expected.npy",
        max_abs_error=gate.max_abs_error,
        p99_abs_error=gate.p99_abs_error,
    )


def golden_problem(found: GoldenProof, golden: Golden) -> str | None:
    """What is wrong with a run, in words; None if the output is within the tolerances."""
    for what, value, limit in (
        ("by", found.max_abs_error, golden.max_abs_error),
        ("in the 99th percentile by", found.p99_abs_error, golden.p99_abs_error),
    ):
        if not value <= limit:  # NaN too
            return (
                f"on the golden input {found.engine} differs from the network {what} {value:.2e}, "
                f"{limit:.2e} are allowed"
            )
    return None


def run_golden(
    folder: Path,
    artifact: Artifact,
    file: ModelFile,
    golden: Golden,
    *,
    runtime: str = "auto",
    session: Session | None = None,
    engine: str | None = None,
) -> GoldenProof:
    """Run `file` of the artifact in `folder` on its golden input.

    Args:
        runtime: where no `session` is given: what loads it.
        session: the file, loaded already, on a device for example; it is left open.
        engine: what to say that ran it; by default the runtime with its version.

    Raises:
        ArtifactError: an array is missing, damaged or of another shape or type, or the file cannot run.
        MissingExtraError: the runtime is not installed.
    """
    entry, exit_ = file.inputs[0], file.outputs[0]
    arrived = _array(folder / golden.input, entry)
    before = _array(folder / golden.output, exit_)
    expected = exit_.model_copy(update={"dtype": "float32"})
    wanted = _array(folder / golden.expected, expected)
    running = session or load_file(folder, artifact, file, runtime=runtime)
    try:
        output = np.array(running.run_raw(arrived))
    finally:
        if session is None:
            running.close()
    if not output.shape == before.shape == wanted.shape:
        shapes = f"{before.shape} and {wanted.shape}"
        raise ArtifactError(f"made {output.shape}, the golden outputs are {shapes}", where=folder / file.path)
    made = from_native(output, exit_)
    right = from_native(wanted, expected)
    error = np.abs(made - right)
    return GoldenProof(
        engine=engine or _engine(running.runtime),
        psnr_db=min(EQUAL_DB, unrounded_psnr(made, right)),
        max_abs_error=float(error.max()),
        p99_abs_error=float(np.percentile(error, 99)),
        drift=float(np.abs(made - from_native(before, exit_)).max()),
    )


def _engine(runtime: str) -> str:
    used = catalog.runtime_entry(runtime)
    return f"{used.title} {used.version}"


def _array(path: Path, spec: TensorSpec) -> NDArray[np.generic]:
    """A golden array that fits `spec`."""
    try:
        # A map needs as many bytes as the header says, so that no header makes numpy ask for more memory than the file.
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        array: NDArray[np.generic] = np.array(mapped)
        del mapped
    except Exception as error:  # numpy's reader of headers raises what Python's parser does
        raise ArtifactError(
            "a golden array is missing or damaged", where=path, fix="export it again"
        ) from error
    fits = array.ndim == 4 and all(b in (None, a) for a, b in zip(array.shape, spec.shape, strict=True))
    if not fits or array.dtype.name != spec.dtype:
        raise ArtifactError(
            f"the golden array `{path.stem}` has shape {array.shape} of {array.dtype.name}, "
            f"the file's is {spec.shape} of {spec.dtype}",
            where=path.parent,
        )
    return array
