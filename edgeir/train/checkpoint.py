"""Checkpoints: a folder of ``weights.safetensors`` + ``card.json``, and while training ``state.safetensors`` +
``state.json`` (raw weights, averaged weights, optimiser moments, step, random state). Never pickle.

Folders are replaced whole, so a kill at any moment leaves the previous checkpoint or the new one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from edgeir.core.artifact import CARD_NAME, WEIGHTS_NAME, Card, read_card
from edgeir.core.assets import list_zoo, zoo_folder
from edgeir.core.errors import CheckpointError
from edgeir.core.files import atomic_dir, give_default_mode, sha256_file
from edgeir.core.shipped import recipe_of_run
from edgeir.models import AnyModel
from edgeir.models.base import Network, parameter_count

__all__ = ["configuration", "load_checkpoint", "load_state", "resolve_checkpoint", "save_checkpoint"]

Tensors = dict[str, torch.Tensor]
_MODEL: TypeAdapter[Any] = TypeAdapter(AnyModel)


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


def load_checkpoint(name: str | Path, *, expect: object | None = None) -> tuple[Network, Card, Path]:
    """Load a network in its training form, on the CPU, in eval mode.

    Args:
        name: a checkpoint folder, a run folder or a zoo name.
        expect: a network configuration that the checkpoint's must equal.

    Raises:
        CheckpointError: missing, damaged, changed since it was written, or of another network.
    """
    folder = resolve_checkpoint(name)
    card = read_card(folder)
    weights = folder / WEIGHTS_NAME
    if not weights.is_file():
        raise CheckpointError(f"{WEIGHTS_NAME} is missing", where=folder)
    if sha256_file(weights) != card.weights_sha256:
        raise CheckpointError(
            "the weights do not match the card's sha256", where=weights, fix="get an intact copy"
        )
    config = configuration(card, folder)
    if expect is not None and config != expect:
        raise CheckpointError(
            f"the checkpoint is of another network: {config!r} instead of {expect!r}", where=folder
        )
    network: Network = config.build()
    load_weights(network, _read(weights), weights)
    network.eval()
    return network, card, folder


def configuration(card: Card, folder: Path) -> Any:
    """The configuration of the network that a card describes, one of `AnyModel`.

    Raises:
        CheckpointError: this version does not know it.
    """
    try:
        return _MODEL.validate_python(card.model)
    except ValidationError as error:
        raise CheckpointError(
            f"the card describes a network that this version does not know: {card.model.get('kind')}",
            where=folder / CARD_NAME,
        ) from error


def load_weights(network: torch.nn.Module, tensors: Tensors, where: Path) -> None:
    """Copy `tensors` into `network`; names and shapes must agree exactly."""
    own = network.state_dict()
    wrong = [
        f"`{key}` is {tuple(tensors[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own.keys() & tensors.keys()
        if own[key].shape != tensors[key].shape
    ]
    wrong += [f"`{key}` is missing" for key in own.keys() - tensors.keys()]
    wrong += [f"`{key}` is unknown" for key in tensors.keys() - own.keys()]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise CheckpointError(
            f"the weights are of another network: {'; '.join(sorted(wrong)[:3])}{more}", where=where
        )
    network.load_state_dict({key: value.to(own[key].dtype) for key, value in tensors.items()})


def save_checkpoint(
    folder: Path,
    network: Network,
    weights: Tensors,
    *,
    name: str,
    metrics: dict[str, Any],
    provenance: dict[str, Any],
    state: tuple[Tensors, dict[str, Any]] | None = None,
) -> Card:
    """Write a checkpoint folder, whole or not at all.

    Args:
        network: gives configuration and facts.
        weights: the state dict to save (the averaged one where there is one).
        state: what resuming needs: tensors and JSON values.
    """
    with atomic_dir(folder) as temporary:
        _write(temporary / WEIGHTS_NAME, weights)
        card = Card(
            name=name,
            model=network.config.model_dump(mode="json"),
            facts=network.facts,
            parameters=parameter_count(network),
            weights_sha256=sha256_file(temporary / WEIGHTS_NAME),
            metrics=metrics,
            provenance=provenance,
        )
        (temporary / CARD_NAME).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if state is not None:
            _write(temporary / "state.safetensors", state[0])
            (temporary / "state.json").write_text(json.dumps(state[1]), encoding="utf-8")
    return card


def load_state(folder: Path) -> tuple[Tensors, dict[str, Any]]:
    """What `save_checkpoint` was given as `state`.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    try:
        return _read(folder / "state.safetensors"), json.loads(
            (folder / "state.json").read_text(encoding="utf-8")
        )
    except (OSError, ValueError) as error:
        raise CheckpointError(f"there is nothing to resume from: {error}", where=folder) from error


def _read(path: Path) -> Tensors:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"the file is damaged: {error}", where=path) from error


def _write(path: Path, tensors: Tensors) -> None:
    save_file({key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}, path)
    give_default_mode(path)
