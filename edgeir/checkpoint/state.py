"""What a run resumes from: ``state.safetensors`` and ``state.json`` in a checkpoint folder.

``state.json`` holds the run's values and, under ``sha256``, the hashes of the tensors' file, of the card and of those
values, so that whatever the disk did to any of them is noticed before training goes on with it. Of checkpoints
that an earlier version wrote there are no hashes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from edgeir.core.errors import CheckpointError
from edgeir.core.files import sha256_file
from edgeir.manifest.card import CARD_NAME

__all__ = [
    "STATE_NAME",
    "VALUES_NAME",
    "Tensors",
    "damaged_state",
    "load_state",
    "load_values",
    "read_tensors",
    "values_hash",
]

Tensors = dict[str, torch.Tensor]

STATE_NAME = "state.safetensors"
VALUES_NAME = "state.json"


def damaged_state(folder: Path, what: str) -> CheckpointError:
    """The error for a state that cannot be resumed from."""
    return CheckpointError(
        f"the state of the run is damaged: {what}",
        where=folder,
        fix="the weights may be sound: start a new run with fine_tune_from=<this run>/checkpoints/best",
    )


def values_hash(values: dict[str, Any]) -> str:
    """SHA-256 of JSON values, however they are written down."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def load_values(folder: Path) -> dict[str, Any]:
    """The JSON values of a state, whose files are checked against their hashes.

    Raises:
        CheckpointError: there is no state, or it is damaged.
    """
    try:
        values = json.loads((folder / VALUES_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged_state(folder, f"{VALUES_NAME} cannot be read ({error})") from error
    if not isinstance(values, dict):
        raise damaged_state(folder, f"{VALUES_NAME} holds no values")
    hashes = values.pop("sha256", {})
    if not isinstance(hashes, dict):
        raise damaged_state(folder, f"{VALUES_NAME} has no hashes")
    for name, value in hashes.items():
        path = folder / name
        if name == "values":
            sound = values_hash(values) == value
        else:
            sound = name in (STATE_NAME, CARD_NAME) and path.is_file() and sha256_file(path) == value
        if not sound:
            raise damaged_state(
                folder, f"{VALUES_NAME if name == 'values' else name} does not match its sha256"
            )
    return values


def load_state(folder: Path) -> tuple[Tensors, dict[str, Any]]:
    """What `save_checkpoint` was given as `state`.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    values = load_values(folder)
    return read_tensors(folder / STATE_NAME), values


def read_tensors(path: Path) -> Tensors:
    """The tensors of a safetensors file, on the CPU.

    Raises:
        CheckpointError: it cannot be read.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"the file is damaged: {error}", where=path) from error
