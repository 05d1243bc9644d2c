"""Weights of other programs, read without running any code: PyTorch's ``.pth``, ``.safetensors``, numpy's ``.npz``.

A ``.pth`` file is a pickle, which can ask for any function to be called. PyTorch's own restricted reader
(``weights_only``) builds tensors and plain containers and refuses everything else.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from edgeir.checkpoint.state import read_tensors
from edgeir.core.errors import CheckpointError

__all__ = ["WEIGHT_SUFFIXES", "metadata_of", "read_weights", "unwrapped"]

_PICKLES = (".pth", ".pt", ".ckpt", ".bin")
WEIGHT_SUFFIXES = (*_PICKLES, ".safetensors", ".npz")
"""Of the files that `read_weights` takes."""
_GLOBAL = re.compile(r"GLOBAL (\S+)")


def read_weights(path: Path) -> dict[str, Any]:
    """What a weights file holds: tensors by name, or a dictionary that holds such a dictionary.

    Raises:
        CheckpointError: it is missing, damaged, of another kind, or asks to run code.
    """
    if not path.is_file():
        raise CheckpointError("there is no such file", where=path)
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return dict(read_tensors(path))
    if suffix == ".npz":
        return _arrays(path)
    if suffix in _PICKLES:
        return _unpickled(path)
    raise CheckpointError(
        "is no weights file that is known here", where=path, fix=f"known: {', '.join(WEIGHT_SUFFIXES)}"
    )


def unwrapped(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors themselves, where a trainer wrapped them (`read_weights` returns both kinds)."""
    for key in ("state_dict", "params_ema", "params", "model"):
        if isinstance(weights.get(key), dict):
            return dict(weights[key])
    return dict(weights)


def metadata_of(path: Path) -> dict[str, Any]:
    """What a `.safetensors` file says of itself (source, licence), under ``metadata``; empty where it says nothing."""
    if path.suffix.lower() != ".safetensors":
        return {}
    with safe_open(path, "pt") as file:
        said = file.metadata()
    return {"metadata": dict(said)} if said else {}


def _unpickled(path: Path) -> dict[str, Any]:
    _refuse_script(path)
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if (asked := _GLOBAL.search(str(error))) is not None:
            raise CheckpointError(
                f"the file is more than weights: reading it would call `{asked[1]}`, so it is not read",
                where=path,
                fix="get the weights alone, best as .safetensors",
            ) from error
        raise CheckpointError("the file is damaged, or no file of PyTorch", where=path) from error
    except Exception as error:  # a damaged file can raise anything
        raise CheckpointError(
            f"the file is damaged, or no file of PyTorch ({type(error).__name__})", where=path
        ) from error
    if not isinstance(value, dict):
        raise CheckpointError(
            f"the file holds a {type(value).__name__}, not named weights", where=path, fix="save state_dict()"
        )
    return value


def _refuse_script(path: Path) -> None:
    """A TorchScript program is code, whatever its suffix."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(name.endswith("constants.pkl") for name in names) and any("/code/" in name for name in names):
        raise CheckpointError(
            "is a TorchScript program, not weights",
            where=path,
            fix="save its state_dict(), or a .pt2 program",
        )


def _arrays(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(np.array(arrays[name])) for name in arrays.files}
    except (OSError, ValueError, zipfile.BadZipFile, TypeError) as error:
        raise CheckpointError(f"the file is damaged: {error}", where=path) from error
