"""``artifact.json``: the manifest of an export, file by file.

A file may be a folder (some formats are); its hash is then that of the tree. Reading a manifest checks the hashes.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from edgeir.core.config import Config, first_problem
from edgeir.core.errors import ArtifactError
from edgeir.core.files import sha256_tree
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import AnyParity, Change, NativeRun

__all__ = [
    "ARTIFACT_NAME",
    "Artifact",
    "ModelFile",
    "RuntimeNeeds",
    "Statistics",
    "TensorSpec",
    "read_artifact",
]

ARTIFACT_NAME = "artifact.json"

Statistics = Literal["image", "constant"]
"""Source of a network's global statistics: its input image, or calibration."""


Side = Annotated[int, Field(ge=1, le=1_000_000)]
"""Of a tensor."""
Count = Annotated[int, Field(ge=0, le=10**18)]


class TensorSpec(Config):
    """One input or output of a model file; integer values are real = (q - zero_point) * quant_scale."""

    name: str
    shape: tuple[Side | None, Side | None, Side | None, Side | None]
    """`None` marks a dynamic dimension."""
    layout: Literal["NHWC", "NCHW"]
    dtype: Literal["float32", "float16", "uint8", "int8"]
    value_range: tuple[float, float] = (0.0, 1.0)
    quant_scale: float | None = Field(None, gt=0, le=1e6)
    zero_point: int | None = Field(None, ge=-128, le=255)

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Height and width; None where dynamic."""
        return self.shape[1:3] if self.layout == "NHWC" else self.shape[2:4]

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """Height and width, or None where one of them is dynamic."""
        height, width = self.size
        return None if height is None or width is None else (height, width)


class RuntimeNeeds(Config):
    """How old a runtime may be that runs a file."""

    stamp: str
    """The version of the format that the file says it is, in the format's own words."""
    runtime: str
    """The distribution whose versions follow."""
    stated: str | None = None
    """The oldest version that reads the stamp, by the runtime's own table of versions; None: none that is known."""
    measured: str | None = None
    """The oldest version on which files of this kind were run and were right; None: they were on none."""


class ModelFile(Config):
    """One model file of an artifact: format and precision, input and output, and its proof."""

    path: str
    """Of the file, or of the folder that the format is; in the manifest's folder."""
    target: str
    """The format, a name of `edgeir.runtime.catalog`."""
    precision: str
    """Short name of the quantisation plan."""
    profile: str
    """Name of its export profile."""
    inputs: Annotated[tuple[TensorSpec, ...], Field(min_length=1)]
    outputs: Annotated[tuple[TensorSpec, ...], Field(min_length=1)]
    bytes: Count
    """Of the file, or of all files of the folder."""
    sha256: str
    """Of the file, or of the tree (`edgeir.core.files.sha256_tree`)."""
    macs: Count
    """Multiply-accumulates of one run at the input size (dynamic: per 1280x720 output)."""
    needs: RuntimeNeeds | None = None
    """How old a runtime may be; None where nothing is known of it."""
    parity: AnyParity
    native_runs: tuple[NativeRun, ...] = ()
    """Proofs of `edgeir prove` where the file's own runtime is; the latest for each engine and system."""

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str) -> str:
        parts = PurePosixPath(value).parts
        if not parts or value.startswith("/") or ".." in parts or "\\" in value or ":" in value:
            raise ValueError(f"`{value}` is no path inside the artifact")
        return value

    @property
    def size(self) -> tuple[int, int] | None:
        """The only input height and width that it takes; None: any."""
        return self.inputs[0].fixed_size


class Artifact(Config):
    """`artifact.json`: the manifest of an export."""

    format: Literal["edgeir-artifact-2"] = "edgeir-artifact-2"
    source: str
    """Name of the checkpoint or zoo entry."""
    checkpoint_sha256: str
    facts: NetworkFacts
    parameters: Count
    files: Annotated[tuple[ModelFile, ...], Field(min_length=1)]
    """The first one is the default."""
    statistics: Statistics | None = None
    """Source of its global statistics; None for a network without any."""
    constants: Change | None = None
    """Change by constant statistics: the torch network with constants against that with each image's statistics."""
    versions: dict[str, str] = {}
    revision: str | None = None

    @property
    def main(self) -> ModelFile:
        """The first file."""
        return self.files[0]


def read_artifact(path: str | Path, *, verify: bool = True) -> tuple[Artifact, Path]:
    """Read a manifest; `path` is the artifact's folder, its ``artifact.json`` or one of its model files.

    Manifests of edgeir before it described files one by one (``edgeir-artifact-1``) are read as well.

    Returns:
        The manifest and the folder that holds it.

    Raises:
        ArtifactError: missing, damaged, or (with `verify`) the SHA-256 of a model file does not match.
    """
    path = Path(path)
    folder = (
        path
        if (path / ARTIFACT_NAME).is_file() or not (path.parent / ARTIFACT_NAME).is_file()
        else path.parent
    )
    manifest = folder / ARTIFACT_NAME
    if not manifest.is_file():
        raise ArtifactError(
            f"no {ARTIFACT_NAME} here, so this is no artifact", where=folder, fix="edgeir export makes one"
        )
    try:
        artifact = Artifact.model_validate(_as_now(json.loads(manifest.read_text(encoding="utf-8"))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"the manifest is damaged: {first_problem(error)}", where=manifest) from error
    if verify:
        for file in artifact.files:
            _verify(folder, file)
    return artifact, folder


def _verify(folder: Path, file: ModelFile) -> None:
    model = folder / file.path
    if not model.exists():
        raise ArtifactError(f"the model file `{file.path}` is missing", where=folder, fix="export it again")
    actual = sha256_tree(model)
    if actual != file.sha256:
        raise ArtifactError(
            f"the file changed after it was exported: sha256 {actual[:12]}… instead of {file.sha256[:12]}…",
            where=model,
            fix="export it again",
        )


def _as_now(values: Any) -> Any:
    """A manifest of the first format, which described the main file only, converted to the current one."""
    if not isinstance(values, dict) or values.get("format") != "edgeir-artifact-1":
        return values
    kept = ("source", "checkpoint_sha256", "facts", "parameters", "versions", "revision")
    result: dict[str, Any] = {key: values[key] for key in kept if key in values}
    if (statistics := values.get("statistics")) is not None:
        result["statistics"] = "image" if statistics == "picture" else statistics
    if (constants := values.get("constants")) is not None:
        result["constants"] = {key: value for key, value in constants.items() if key in Change.model_fields}
    described = {
        key: values[key] for key in ("target", "precision", "profile", "inputs", "outputs", "bytes", "macs")
    }
    unknown = {
        "status": "not run",
        "reason": "made by an older edgeir, whose proof had no unseen images and no extremes",
        "command": "edgeir export",
    }
    files = [{"path": values["name"], "sha256": values["sha256"], **described, "parity": unknown}]
    scale = 1 if values["facts"].get("input_kind") == "bicubic" else values["facts"].get("scale", 1)
    for size, name in (values.get("variants") or {}).items():
        height, width = (int(part) for part in size.split("x"))
        resized = {
            "inputs": [_resized(spec, height, width) for spec in values["inputs"]],
            "outputs": [_resized(spec, height * scale, width * scale) for spec in values["outputs"]],
        }
        sha256 = values["variant_sha256"][size]
        macs = round(values["macs"] * height * width / max(_pixels(values["inputs"][0]), 1))
        files.append(
            {"path": name, "sha256": sha256, **described, **resized, "macs": macs, "parity": unknown}
        )
    return {**result, "files": files}


def _pixels(spec: dict[str, Any]) -> int:
    height, width = spec["shape"][1:3] if spec["layout"] == "NHWC" else spec["shape"][2:4]
    return (height or 0) * (width or 0)


def _resized(spec: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    batch, *middle, last = spec["shape"]
    shape = [batch, height, width, last] if spec["layout"] == "NHWC" else [batch, middle[0], height, width]
    return {**spec, "shape": shape}
