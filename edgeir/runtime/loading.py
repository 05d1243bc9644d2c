"""From a path or a name to a running `Session`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from edgeir.core.assets import list_zoo, zoo_folder
from edgeir.core.errors import ArtifactError
from edgeir.core.trust import honours_trust
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact, TensorSpec, read_artifact
from edgeir.manifest.card import CARD_NAME, WEIGHTS_NAME
from edgeir.runtime.litert import LiteRT
from edgeir.runtime.onnxruntime import OnnxRuntime
from edgeir.runtime.session import Session
from edgeir.runtime.torch import Torch

__all__ = ["AnyRuntime", "RuntimeName", "load", "load_model"]

AnyRuntime = Annotated[Torch | OnnxRuntime | LiteRT, Field(discriminator="kind")]
"""Every runtime's configuration, told apart by `kind`."""

RuntimeName = Literal["auto", "torch", "onnxruntime", "litert"]

MODEL_SUFFIXES = (".tflite", ".onnx")
RUNTIME_OF_TARGET = {"tflite": "litert", "onnx": "onnxruntime"}


@honours_trust
def load(
    path_or_name: str | Path,
    *,
    runtime: RuntimeName = "auto",
    threads: int = 1,
    clip: bool = True,
    sigma: float | None = None,
    trust_code: bool = False,
) -> Session:
    """Load an artifact (folder, ``artifact.json`` or model file), a checkpoint folder or a zoo entry.

    The model file of a further ``--size`` of an artifact loads that size; the folder loads the first.

    Args:
        runtime: `auto` takes the one that fits: litert for ``.tflite``, onnxruntime for ``.onnx``, torch for weights.
        threads: threads inside one operator.
        sigma: the noise level, on the 0-255 scale, for the checkpoint of a network that takes one; an artifact has its
            own (`NetworkFacts.sigma`).
        clip: False runs a checkpoint without the clip to [0, 1] at its end; an artifact has it inside and keeps it.
        trust_code: allow a checkpoint's network of `kind: module`, code of another package, to be imported and run.

    Raises:
        ArtifactError: there is nothing of that name, it was tampered with, or the runtime cannot run it.
        CheckpointError: the checkpoint is damaged.
        ConfigError: a noise level for a network that takes none.
        MissingExtraError: the runtime is not installed.
        UntrustedCodeError: the checkpoint's network is code of another package, and `trust_code` is False.
    """
    if threads < 1:
        raise ArtifactError(f"`threads` must be at least 1, not {threads}")
    path = Path(path_or_name)
    if _is_artifact(path):
        artifact, model = _select(path)
        fitting = RUNTIME_OF_TARGET.get(artifact.target)
        if fitting is None:
            raise ArtifactError(f"a {artifact.target} artifact cannot run here", where=path)
        if runtime not in ("auto", fitting):
            raise ArtifactError(
                f"runs with {fitting}, not with {runtime}", where=path, fix=f"--runtime {fitting}"
            )
        if sigma is not None:
            raise ArtifactError(
                "an exported file's noise level is fixed", where=path, fix="export with another --sigma"
            )
        return load_model(model, artifact, threads=threads)
    if _is_checkpoint(path) or zoo_folder(str(path_or_name)) is not None:
        if runtime not in ("auto", "torch"):
            raise ArtifactError(
                f"is a checkpoint, which runs with torch, not with {runtime}",
                where=path_or_name,
                fix="edgeir export makes an artifact of it",
            )
        return Torch(threads=threads, clip=clip, sigma=sigma).load(str(path_or_name))
    if path.exists():
        raise ArtifactError(f"holds neither an {ARTIFACT_NAME} nor a {CARD_NAME}", where=path)
    known = ", ".join(list_zoo()) or "the zoo is empty"
    raise ArtifactError(
        "no artifact, checkpoint or zoo model of that name", where=path_or_name, fix=f"zoo: {known}"
    )


def load_model(model: Path, artifact: Artifact, *, threads: int = 1) -> Session:
    """Load a model file that `artifact` describes, with the runtime of its target; no hash is checked."""
    if artifact.target == "tflite":
        return LiteRT(threads=threads).load(model, artifact)
    return OnnxRuntime(threads=threads).load(model, artifact)


def _is_checkpoint(path: Path) -> bool:
    """A checkpoint folder, its weights file, or the folder of a training run."""
    candidates = (path, path.parent if path.name == WEIGHTS_NAME else path, path / "checkpoints" / "best")
    return any((folder / CARD_NAME).is_file() for folder in (*candidates, path / "checkpoints" / "last"))


def _is_artifact(path: Path) -> bool:
    if path.is_dir():
        return (path / ARTIFACT_NAME).is_file()
    return path.is_file() and (path.suffix in MODEL_SUFFIXES or path.name == ARTIFACT_NAME)


def _select(path: Path) -> tuple[Artifact, Path]:
    """The manifest as it describes the chosen model file (the main one, or a further fixed size), and that file."""
    artifact, folder = read_artifact(path)
    if path.is_dir() or path.name in (ARTIFACT_NAME, artifact.name):
        return artifact, folder / artifact.name
    for size, name in artifact.variants.items():
        if name == path.name:
            height, width = (int(part) for part in size.split("x"))
            return _resized(artifact, height, width, artifact.variant_sha256[size]), path
    raise ArtifactError(f"the manifest beside it describes `{artifact.name}`, not this file", where=path)


def _resized(artifact: Artifact, height: int, width: int, sha256: str) -> Artifact:
    net_scale = artifact.facts.net_scale
    old = artifact.inputs[0].shape
    pixels = (
        (old[1] or 0) * (old[2] or 0)
        if artifact.inputs[0].layout == "NHWC"
        else (old[2] or 0) * (old[3] or 0)
    )
    return artifact.model_copy(
        update={
            "inputs": (_with_size(artifact.inputs[0], height, width),),
            "outputs": (_with_size(artifact.outputs[0], height * net_scale, width * net_scale),),
            "sha256": sha256,
            "macs": round(artifact.macs * height * width / pixels) if pixels else artifact.macs,
        }
    )


def _with_size(spec: TensorSpec, height: int, width: int) -> TensorSpec:
    channels = spec.shape[3 if spec.layout == "NHWC" else 1]
    shape = (1, height, width, channels) if spec.layout == "NHWC" else (1, channels, height, width)
    return spec.model_copy(update={"shape": shape})
