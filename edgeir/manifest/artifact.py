"""``artifact.json``: the manifest of an export, file by file.

A file may be a folder (some formats are); its hash is then that of the tree. Reading a manifest checks the hashes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from edgeir.core.config import first_problem
from edgeir.core.errors import ArtifactError
from edgeir.core.files import sha256_tree
from edgeir.manifest.bundle import BUNDLE_NAME, read_bundle
from edgeir.manifest.model_file import Exported, ModelFile, RuntimeNeeds, Statistics, TensorSpec
from edgeir.manifest.parity import Change

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


class Artifact(Exported):
    """`artifact.json`: the manifest of an export."""

    format: Literal["edgeir-artifact-2"] = "edgeir-artifact-2"


def read_artifact(path: str | Path, *, verify: bool = True) -> tuple[Artifact, Path]:
    """Read a manifest; `path` is the folder of an artifact or bundle, its manifest or one of its model files.

    Manifests of edgeir before it described files one by one (``edgeir-artifact-1``) are read as well, and what a
    bundle's ``edgeir.json`` says of its model files.

    Returns:
        The manifest and the folder that holds it.

    Raises:
        ArtifactError: missing, damaged, or (with `verify`) the SHA-256 of a model file does not match.
    """
    path = Path(path)
    folder = next((place for place in (path, path.parent) if _is_export(place)), path)
    if (folder / BUNDLE_NAME).is_file():
        bundle = read_bundle(folder)
        shared = {name: getattr(bundle, name) for name in Exported.model_fields if name != "format"}
        artifact = Artifact(**shared)
    else:
        artifact = _read(folder)
    if verify:
        for file in artifact.files:
            _verify(folder, file)
    return artifact, folder


def _is_export(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (ARTIFACT_NAME, BUNDLE_NAME))


def _read(folder: Path) -> Artifact:
    manifest = folder / ARTIFACT_NAME
    if not manifest.is_file():
        raise ArtifactError(
            f"no {ARTIFACT_NAME} here, so this is no artifact", where=folder, fix="edgeir export makes one"
        )
    try:
        return Artifact.model_validate(_as_now(json.loads(manifest.read_text(encoding="utf-8"))))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"the manifest is damaged: {first_problem(error)}", where=manifest) from error


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
