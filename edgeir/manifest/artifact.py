"""``artifact.json``: what describes an exported model, beside its file; reading it checks the file's SHA-256."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from edgeir.core.config import Config, first_problem
from edgeir.core.errors import ArtifactError
from edgeir.core.files import sha256_file
from edgeir.manifest.facts import NetworkFacts

__all__ = ["ARTIFACT_NAME", "Artifact", "Parity", "Statistics", "TensorSpec", "read_artifact"]

ARTIFACT_NAME = "artifact.json"


Side = Annotated[int, Field(ge=1, le=1_000_000)]
"""Of a tensor."""
Count = Annotated[int, Field(ge=0, le=10**18)]


class TensorSpec(Config):
    """One input or output of an artifact; integer values are real = (q - zero_point) * quant_scale."""

    name: str
    shape: tuple[Side | None, Side | None, Side | None, Side | None]
    """`None` marks a dynamic dimension."""
    layout: Literal["NHWC", "NCHW"]
    dtype: Literal["float32", "float16", "uint8", "int8"]
    value_range: tuple[float, float] = (0.0, 1.0)
    quant_scale: float | None = Field(None, gt=0, le=1e6)
    zero_point: int | None = Field(None, ge=-128, le=255)


class Parity(Config):
    """The written file against the torch network, on real patches (measured by running the file)."""

    patches: Count
    max_abs_error: float
    """Largest absolute difference, on the [0, 1] scale."""
    psnr_drop_db: float
    """Mean PSNR of the network minus that of the file, both against the ground truth, RGB."""
    colour_shift: tuple[float, float, float]
    """Mean of (file - network) per channel R, G, B, in 8-bit levels; three times the same for one channel."""


Statistics = Literal["picture", "constant"]
"""Where a network takes what it would read of the whole picture from: the picture that it is given, or calibration."""


class Artifact(Config):
    """`artifact.json`: the manifest of an exported model."""

    format: Literal["edgeir-artifact-1"] = "edgeir-artifact-1"
    name: str
    """The model file's name, in the manifest's folder."""
    source: str
    """Name of the checkpoint or zoo entry."""
    target: Literal["tflite", "onnx", "coreml"]
    precision: Literal["fp32", "fp16", "int8"]
    profile: str
    sha256: str
    bytes: Count
    inputs: tuple[TensorSpec, ...] = Field(min_length=1)
    outputs: tuple[TensorSpec, ...] = Field(min_length=1)
    facts: NetworkFacts
    macs: Count
    """Multiply-accumulates of one run at the input size of `inputs` (dynamic: per 1280x720 output)."""
    parameters: Count
    variants: dict[str, str] = {}
    """Other fixed input sizes exported together: ``"HxW"`` to file name."""
    variant_sha256: dict[str, str] = {}
    checkpoint_sha256: str
    statistics: Statistics | None = None
    """How it reads the whole picture (`facts.global_operations` of the checkpoint); None where it does not."""
    constants: Parity | None = None
    """What constant statistics change: the constant torch network against the one that reads each picture."""
    parity: Parity
    versions: dict[str, str] = {}
    revision: str | None = None


def read_artifact(path: str | Path, *, verify: bool = True) -> tuple[Artifact, Path]:
    """Read a manifest; `path` is the artifact's folder, its ``artifact.json`` or its model file.

    Returns:
        The manifest and the folder that holds it.

    Raises:
        ArtifactError: missing, damaged, or (with `verify`) the model file's SHA-256 does not match.
    """
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    manifest = folder / ARTIFACT_NAME
    if not manifest.is_file():
        raise ArtifactError(
            f"no {ARTIFACT_NAME} here, so this is no artifact", where=folder, fix="edgeir export makes one"
        )
    try:
        artifact = Artifact.model_validate(json.loads(manifest.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"the manifest is damaged: {first_problem(error)}", where=manifest) from error
    if verify:
        files = {artifact.name: artifact.sha256}
        files.update(
            {name: artifact.variant_sha256.get(size, "") for size, name in artifact.variants.items()}
        )
        for name, expected in files.items():
            model = folder / name
            if Path(name).name != name or not model.is_file():
                raise ArtifactError(
                    f"the model file `{name}` is missing", where=folder, fix="export it again"
                )
            found = sha256_file(model)
            if found != expected:
                raise ArtifactError(
                    f"the file changed after it was exported: sha256 {found[:12]}… instead of {expected[:12]}…",
                    where=model,
                    fix="export it again",
                )
    return artifact, folder
