"""The manifests that stages hand to each other: a checkpoint's card and an artifact's description.

`Card` sits beside ``weights.safetensors`` (a checkpoint or a zoo entry), `Artifact` beside the exported
model file. Both are plain JSON; reading one validates it and, for an artifact, checks the file's SHA-256.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError, CheckpointError
from edgeir.core.files import sha256_file

__all__ = [
    "Artifact",
    "Card",
    "NetworkFacts",
    "Parity",
    "Statistics",
    "TensorSpec",
    "read_artifact",
    "read_card",
]

ARTIFACT_NAME = "artifact.json"
CARD_NAME = "card.json"
WEIGHTS_NAME = "weights.safetensors"


CONSTANT_OPERATIONS = frozenset({"image mean", "instance normalisation", "channel attention"})
"""Those of `NetworkFacts.global_operations` that are means and variances: calibrated constants can stand in."""


class NetworkFacts(Config):
    """What a runtime, a tiler and a benchmark must know about a network without loading it."""

    task: str = "super-resolution"
    scale: int = Field(1, ge=1)
    """Output pixels per **low-resolution** input pixel, per side."""
    input_kind: Literal["lr", "bicubic"] = "lr"
    """`bicubic`: the network expects the image already enlarged by `scale` (input size = output size)."""
    colour: Literal["rgb", "y"] = "rgb"
    """`y`: a network of one channel, which reads and gives luma (see `edgeir.core.luma`)."""
    value_range: tuple[float, float] = (0.0, 1.0)
    size_multiple: int = Field(1, ge=1)
    """Input height and width must be a multiple of this (in the network's own input pixels)."""
    receptive_radius: int = Field(0, ge=0)
    """Network-input pixels on each side that an output pixel depends on beyond its own input pixel."""
    sigma: float | None = None
    """Noise level, on the 0-255 scale, that a network assumes which could be told another; None for all others."""
    global_operations: tuple[str, ...] = ()
    """Operations that read the whole picture (an image mean, instance statistics): tiles would change the result."""

    @property
    def may_be_constant(self) -> bool:
        """Constants can stand in for all that it reads of the whole picture (`edgeir export --statistics constant`)."""
        return set(self.global_operations) <= CONSTANT_OPERATIONS

    @property
    def net_scale(self) -> int:
        """Output pixels per pixel of the network's **own** input (1 when the input is already enlarged)."""
        return self.scale if self.input_kind == "lr" else 1

    @property
    def channels(self) -> int:
        """Planes of the network's input and output."""
        return 1 if self.colour == "y" else 3


class Card(Config):
    """`card.json`: everything about a checkpoint that is not its weights."""

    format: Literal["edgeir-checkpoint-1"] = "edgeir-checkpoint-1"
    name: str
    model: dict[str, Any]
    """The network's configuration (a member of `edgeir.models.AnyModel`)."""
    facts: NetworkFacts
    parameters: int
    weights_sha256: str
    metrics: dict[str, Any] = {}
    provenance: dict[str, Any] = {}
    """Data, recipe, seed, steps, versions, revision; for a zoo entry also its licence and citations."""


class TensorSpec(Config):
    """One input or output of an artifact; integer values are real = (q - zero_point) * quant_scale."""

    name: str
    shape: tuple[int | None, ...]
    """`None` marks a dynamic dimension."""
    layout: Literal["NHWC", "NCHW"]
    dtype: Literal["float32", "float16", "uint8", "int8"]
    value_range: tuple[float, float] = (0.0, 1.0)
    quant_scale: float | None = None
    zero_point: int | None = None


class Parity(Config):
    """The written file against the torch network, on real patches (measured by running the file)."""

    patches: int
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
    bytes: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    facts: NetworkFacts
    macs: int
    """Multiply-accumulates of one run at the input size of `inputs` (dynamic: per 1280x720 output)."""
    parameters: int
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


def read_card(folder: str | Path) -> Card:
    """Read and validate ``card.json`` of a checkpoint folder.

    Raises:
        CheckpointError: it is missing, is not JSON or does not fit the schema.
    """
    path = Path(folder) / CARD_NAME
    if not path.is_file():
        raise CheckpointError(f"no {CARD_NAME} here, so this is no checkpoint", where=folder)
    try:
        return Card.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise CheckpointError(f"the card is damaged: {_first_line(error)}", where=path) from error


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
    except (OSError, ValueError, ValidationError) as error:
        raise ArtifactError(f"the manifest is damaged: {_first_line(error)}", where=manifest) from error
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


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        return f"`{'.'.join(map(str, detail['loc']))}`: {detail['msg']}"
    return str(error).splitlines()[0]
