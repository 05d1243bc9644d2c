"""What a path or a name is: the one answer, for every command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgeir.core.assets import find_zoo, zoo_folder
from edgeir.core.errors import ArtifactError, CheckpointError, EdgeIRError
from edgeir.core.files import settle_dir
from edgeir.core.requires import require
from edgeir.core.shipped import import_of_run, recipe_of_run
from edgeir.manifest.artifact import ARTIFACT_NAME
from edgeir.manifest.bundle import BUNDLE_NAME
from edgeir.manifest.card import CARD_NAME, WEIGHTS_NAME

__all__ = ["Found", "Kind", "resolve", "resolve_checkpoint"]

Kind = Literal["zoo network", "run", "checkpoint", "artifact", "bundle", "model file", "foreign network"]

EXPORTS: dict[str, Kind] = {ARTIFACT_NAME: "artifact", BUNDLE_NAME: "bundle"}
"""Manifest of exported model files to what the folder that holds it is."""

_FOREIGN = frozenset({".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".pt2"})
"""Suffixes of files of another author's network (`edgeir.checkpoint.foreign`)."""


@dataclass(frozen=True)
class Found:
    """What a path or a name stands for.

    Attributes:
        kind: a `run` is a training's folder, which stands for its best, else its last checkpoint; a `foreign network`
            a file of another author, which stands for the checkpoint that was made of it.
        folder: of the checkpoint (with ``card.json``), artifact (``artifact.json``) or bundle (``edgeir.json``).
        name: as the user gave it.
        file: the model file that was named; None: the first of the artifact or bundle.
    """

    kind: Kind
    folder: Path
    name: str
    file: Path | None = None

    @property
    def is_checkpoint(self) -> bool:
        """It has weights that torch runs."""
        return self.kind in ("zoo network", "run", "checkpoint", "foreign network")


def resolve(name: str | Path) -> Found:
    """Find out what `name` is. A path that exists wins over a name of the zoo.

    Raises:
        ArtifactError: there is a file or folder of that name, but edgeir knows no such thing.
        CheckpointError: there is nothing of that name; for the run of a shipped recipe it says how to train that. Or it
            is a file of another author's network that cannot be used.
        MissingExtraError, UntrustedCodeError: such a file needs torch, spandrel or a permission.
    """
    path = Path(name)
    if not path.exists() and path.name:
        settle_dir(path)  # a kill between the two renames of --overwrite has left it under another name
    if (found := _in_folder(path, str(name)) if path.is_dir() else _of_file(path, str(name))) is not None:
        return found
    if (zoo := zoo_folder(str(name))) is not None:
        return Found("zoo network", zoo, str(name))
    raise _unknown(path, name)


def resolve_checkpoint(name: str | Path) -> Path:
    """The folder of a checkpoint given as a path, a run folder (its best, else last checkpoint) or a zoo name.

    Raises:
        CheckpointError: it is none, or there is nothing of that name.
    """
    try:
        found = resolve(name)
    except ArtifactError as error:
        raise CheckpointError(error.what, where=error.where, fix=error.fix) from error
    if not found.is_checkpoint:
        raise CheckpointError(
            "this is an exported artifact, not a checkpoint",
            where=name,
            fix="name the checkpoint it was made of",
        )
    return found.folder


def _in_folder(path: Path, name: str) -> Found | None:
    if (export := _export_in(path)) is not None:
        return Found(export, path, name)
    if (path / CARD_NAME).is_file():
        return Found("checkpoint", path, name)
    checkpoints = path / "checkpoints"
    for kind in ("best", "last") if checkpoints.is_dir() else ():
        settle_dir(checkpoints / kind)
        if (checkpoints / kind / CARD_NAME).is_file():
            return Found("run", checkpoints / kind, name)
    # A format that is a folder lies in the artifact's folder.
    if _export_in(path.parent) is not None:
        return Found("model file", path.parent, name, path)
    return None


def _of_file(path: Path, name: str) -> Found | None:
    if not path.is_file():
        return None
    if path.name in EXPORTS:
        return Found(EXPORTS[path.name], path.parent, name)
    if path.name in (WEIGHTS_NAME, CARD_NAME) and (path.parent / CARD_NAME).is_file():
        return Found("checkpoint", path.parent, name)
    if _export_in(path.parent) is not None:
        return Found("model file", path.parent, name, path)
    if path.suffix.lower() in _FOREIGN:
        require("torch", "reading weights of another program")
        from edgeir.checkpoint.foreign.adopt import adopted

        return Found("foreign network", adopted(path), name, path)
    return None


def _export_in(folder: Path) -> Kind | None:
    """What a folder with exported model files is; None for any other."""
    return next((kind for manifest, kind in EXPORTS.items() if (folder / manifest).is_file()), None)


def _unknown(path: Path, name: str | Path) -> EdgeIRError:
    if path.is_file() and path.suffix.lower() == ".zip":
        return ArtifactError(
            "is a zip, and models run from folders", where=path,
            fix=f"edgeir verify {path.name}, unzip it and name its folder or a file in it",
        )  # fmt: skip
    if path.is_file():
        return ArtifactError(
            f"no {ARTIFACT_NAME} lies beside this file, so nothing says what it takes and gives",
            where=path,
            fix="edgeir export writes both",
        )
    if path.exists():
        return ArtifactError(
            f"is no run, checkpoint, artifact or bundle: it holds no {ARTIFACT_NAME}, {BUNDLE_NAME} or {CARD_NAME}",
            where=path,
        )
    if (command := _command_for(path)) is not None:
        return CheckpointError("there is no such run yet", where=name, fix=f"first: {command}")
    try:
        find_zoo(str(name))
    except CheckpointError as error:
        return error
    raise AssertionError("a zoo network was resolved before")


def _command_for(path: Path) -> str | None:
    """What to type for a run folder, or a checkpoint in one, that a shipped recipe makes by default, or says how to
    import; else None."""
    if path.parts[:1] != ("runs",) or len(path.parts) < 2 or Path(*path.parts[:2]).exists():
        return None
    found = recipe_of_run(path.parts[1])
    return import_of_run(path.parts[1]) if found is None else f"edgeir {found[1]} {found[0]}"
