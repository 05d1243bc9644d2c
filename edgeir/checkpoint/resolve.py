"""What a path or a name is."""

from __future__ import annotations

from pathlib import Path

from edgeir.core.assets import list_zoo, zoo_folder
from edgeir.core.errors import CheckpointError
from edgeir.core.shipped import recipe_of_run
from edgeir.manifest.card import CARD_NAME, WEIGHTS_NAME

__all__ = ["resolve_checkpoint"]


def resolve_checkpoint(name: str | Path) -> Path:
    """The folder of a checkpoint given as a path, a run folder (its best, else last checkpoint) or a zoo name.

    Raises:
        CheckpointError: nothing of that name; for the run folder of a shipped recipe it says how to train that.
    """
    path = Path(name)
    for candidate in (path, path / "checkpoints" / "best", path / "checkpoints" / "last"):
        if (candidate / CARD_NAME).is_file():
            return candidate
    if path.name == WEIGHTS_NAME and (path.parent / CARD_NAME).is_file():
        return path.parent
    if (folder := zoo_folder(str(name))) is not None:
        return folder
    if path.exists():
        raise CheckpointError(
            "this is no checkpoint", where=path, fix=f"it needs {WEIGHTS_NAME} and {CARD_NAME}"
        )
    if (command := _command_for(path)) is not None:
        raise CheckpointError("there is no such run yet", where=name, fix=f"first: {command}")
    known = ", ".join(list_zoo()) or "empty"
    raise CheckpointError("no such checkpoint or zoo model", where=name, fix=f"the zoo has: {known}")


def _command_for(path: Path) -> str | None:
    """What to type for a run folder, or a checkpoint in one, that a shipped recipe makes by default; else None."""
    if path.parts[:1] != ("runs",) or len(path.parts) < 2 or Path(*path.parts[:2]).exists():
        return None
    found = recipe_of_run(path.parts[1])
    return None if found is None else f"edgeir {found[1]} {found[0]}"
