"""A model file of another author as an artifact, so that every command takes it: eval, bench, restore, report."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeir.core.environment import git_revision, versions
from edgeir.core.errors import ArtifactError, ConfigError
from edgeir.core.files import atomic_dir, refuse_existing, sha256_tree, tree_bytes
from edgeir.exporting.inspect.graph import GraphDescription, TensorEntry
from edgeir.exporting.inspect.measure import macs, parameters, receptive_field
from edgeir.exporting.inspect.run import described_graph
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact, ModelFile, TensorSpec
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import NotRun
from edgeir.runtime import catalog
from edgeir.runtime.loading import load_file

__all__ = ["import_file"]

PROBE = (48, 64)
"""Height and width of the image with which a file of any size is run to find out how far it enlarges."""
TIMED = (720, 1280)
"""Output for which the multiply-accumulates of a file of any size are counted, as everywhere in edgeir."""


def import_file(
    path: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    task: str | None = None,
    scale: int | None = None,
    size_multiple: int = 1,
    receptive_radius: int | None = None,
    overwrite: bool = False,
) -> Artifact:
    """Copy a model file that takes and gives one float32 image in [0, 1] into an artifact with a manifest.

    The file is run once, to see that it runs and how far it enlarges. There is no network to compare it with, so its
    parity is `not run`.

    Args:
        out: the artifact's folder.
        name: of the network; by default the file's.
        scale: by how much the network enlarges a photo; by default as far as the file does. A file that does not
            enlarge and a scale above 1 is a network that takes the photo already enlarged, as SRCNN does.
        size_multiple: of which height and width must be multiples.
        receptive_radius: pixels around its own that an output pixel depends on; by default the bound that follows from
            the graph. Where none does, photos are not cut into tiles.

    Raises:
        ArtifactError: it is no model file, it is damaged, its input is no such image, or it cannot be run here.
        ConfigError: a stated figure does not fit the file.
        MissingExtraError: the format's runtime or reader is not installed.
        OutputError: `out` exists and `overwrite` is not set, or is something else than an artifact.
    """
    path, out = Path(path), Path(out)
    refuse_existing(out, overwrite=overwrite, marker=ARTIFACT_NAME, owned=("model*", "golden"))
    entry = catalog.target_of_file(path)
    if entry is None or not path.exists():
        suffixes = ", ".join(each.suffix for each in catalog.TARGETS)
        raise ArtifactError("is no model file that edgeir runs", where=path, fix=f"it runs {suffixes}")
    described: GraphDescription = described_graph(path, entry, None)
    image, restored = (_spec(described, names, path) for names in (described.inputs, described.outputs))
    radius = receptive_field(described)
    facts = NetworkFacts(
        colour="y" if _channels(image) == 1 else "rgb",
        size_multiple=size_multiple,
        receptive_radius=radius.radius or 0 if receptive_radius is None else receptive_radius,
        global_operations=(
            (radius.reason or "unknown",) if receptive_radius is None and radius.radius is None else ()
        ),
    )
    with atomic_dir(out) as folder:
        copied = folder / f"model{entry.suffix}"
        if path.is_dir():
            shutil.copytree(path, copied)
        else:
            shutil.copyfile(path, copied)
        file = ModelFile(
            path=copied.name,
            target=entry.name,
            precision="unknown",
            profile="none: a file of another author",
            inputs=(image,),
            outputs=(restored,),
            bytes=tree_bytes(copied),
            sha256=sha256_tree(copied),
            macs=0,
            parity=NotRun(
                reason="another author's file: there is no network to compare it with", command="edgeir eval"
            ),
        )
        artifact = Artifact(
            source=name or path.stem,
            checkpoint_sha256=file.sha256,
            facts=facts,
            parameters=parameters(described) or 0,
            files=(file,),
            versions=versions(),
            revision=git_revision(),
        )
        # A file of one size is compared with the scale when it is loaded, and says it itself.
        artifact = artifact.model_copy(update={"facts": _stated_scale(facts, file, path)})
        facts = _with_scale(facts, _enlarges(folder, artifact, file), scale, task, path)
        timed = file.size or (TIMED[0] // facts.net_scale, TIMED[1] // facts.net_scale)
        file = file.model_copy(update={"macs": macs(described, timed) or 0})
        artifact = artifact.model_copy(update={"facts": facts, "files": (file,)})
        (folder / ARTIFACT_NAME).write_text(artifact.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return artifact


def _spec(described: GraphDescription, names: tuple[str, ...], path: Path) -> TensorSpec:
    tensors = [described.tensors[name] for name in names]
    if len(tensors) != 1:
        raise ArtifactError(f"has {len(tensors)} inputs or outputs instead of one", where=path)
    tensor = tensors[0]
    if tensor.shape is None:  # the graph does not say the shape of what it computes
        tensor = replace(tensor, shape=(1, None, None, _channels_of(described, path)))
    layout = _layout(tensor)
    if layout is None or tensor.dtype != "float32" or (tensor.shape or ())[0] not in (None, 1):
        raise ArtifactError(
            f"`{tensor.name}` is {tensor.dtype} {tensor.shape}: edgeir takes files with one float32 image of 1 or 3 "
            "channels in and out",
            where=path,
        )
    shape = tensor.shape or ()
    return TensorSpec(name=tensor.name, shape=(1, *shape[1:]), layout=layout, dtype="float32")


def _channels_of(described: GraphDescription, path: Path) -> int:
    shape = described.tensors[described.inputs[0]].shape or ()
    channels = shape[-1] if len(shape) == 4 else None
    if channels is None:
        raise ArtifactError("the file does not say how many channels its image has", where=path)
    return channels


def _layout(tensor: TensorEntry) -> Any:
    if tensor.shape is None or len(tensor.shape) != 4:
        return None
    if tensor.shape[3] in (1, 3):
        return "NHWC"
    return "NCHW" if tensor.shape[1] in (1, 3) else None


def _channels(spec: TensorSpec) -> int:
    return int(spec.shape[3 if spec.layout == "NHWC" else 1] or 0)


def _stated_scale(facts: NetworkFacts, file: ModelFile, path: Path) -> NetworkFacts:
    """The facts with the scale that the file's sizes say; as they are where it leaves them open."""
    entry, exit_ = file.inputs[0].fixed_size, file.outputs[0].fixed_size
    if entry is None or exit_ is None:
        return facts
    scale = max(exit_[0] // entry[0], 1)
    if exit_ != (entry[0] * scale, entry[1] * scale):
        raise ArtifactError(
            f"makes {exit_[0]}x{exit_[1]} of a {entry[0]}x{entry[1]} image: that is no enlargement",
            where=path,
        )
    return facts.model_copy(update={"scale": scale})


def _enlarges(folder: Path, artifact: Artifact, file: ModelFile) -> int:
    """How far the file enlarges, found by running it once."""
    multiple = artifact.facts.size_multiple
    height, width = file.size or (PROBE[0] * multiple, PROBE[1] * multiple)
    session = load_file(folder, artifact, file)
    try:
        planes = (height, width) if file.inputs[0].layout == "NHWC" else ()
        channels = _channels(file.inputs[0])
        shape = (1, *planes, channels) if planes else (1, channels, height, width)
        made = np.asarray(session.run_raw(np.full(shape, 0.5, np.float32)))
    finally:
        session.close()
    sides = made.shape[1:3] if file.outputs[0].layout == "NHWC" else made.shape[2:4]
    ratio = sides[0] // height if len(sides) == 2 else 0
    if ratio < 1 or tuple(sides) != (height * ratio, width * ratio):
        raise ArtifactError(
            f"made {made.shape} of a {height}x{width} image: that is no enlargement", where=folder
        )
    return ratio


def _with_scale(
    facts: NetworkFacts, ratio: int, scale: int | None, task: str | None, path: Path
) -> NetworkFacts:
    wanted = ratio if scale is None else scale
    if wanted != ratio and ratio != 1:
        raise ConfigError(
            [f"the file enlarges {ratio} times, not {wanted} times"], where=path, fix="leave --scale out"
        )
    kind = "lr" if wanted == ratio else "bicubic"
    assumed = task or ("super-resolution" if wanted > 1 else "enhancement")
    return facts.model_copy(update={"scale": wanted, "input_kind": kind, "task": assumed})
