"""The tensors in a file of weights, without running code that a pickle may hold.

Of a ``.safetensors`` file only the header is read, and neither it nor an ``.npz`` needs torch; pickles are read by
`edgeir.checkpoint.foreign.read`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeir.core.errors import CheckpointError
from edgeir.core.requires import require
from edgeir.exporting.inspect.graph import TensorEntry

__all__ = ["WEIGHT_SUFFIXES", "read_weights"]

WEIGHT_SUFFIXES = (".safetensors", ".npz", ".pth", ".pt", ".ckpt", ".bin")


def read_weights(path: Path) -> tuple[TensorEntry, ...]:
    """Names, shapes and types of the tensors, in the file's order; those in nested tables with dotted names.

    Raises:
        CheckpointError: it is damaged, or a pickle that holds more than tensors and plain values.
        MissingExtraError: the package that reads it is not installed.
    """
    try:
        if path.suffix.lower() == ".safetensors":
            return tuple(_safetensors(path))
        return tuple(_arrays(path) if path.suffix.lower() == ".npz" else _pickled(path))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        short = (str(error).splitlines() or [""])[0][:150]
        raise CheckpointError(f"the weights cannot be read: {short}", where=path) from error


def _safetensors(path: Path) -> list[TensorEntry]:
    safetensors = require("safetensors", "inspecting a .safetensors file")
    try:
        with safetensors.safe_open(str(path), framework="np") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
            return [
                TensorEntry(name, tuple(part.get_shape()), _dtype(part.get_dtype()), constant=True)
                for name, part in slices.items()
            ]
    except safetensors.SafetensorError as error:
        raise ValueError(str(error)) from error


def _arrays(path: Path) -> list[TensorEntry]:
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        return [
            TensorEntry(name, tuple(int(side) for side in value.shape), value.dtype.name, constant=True)
            for name, value in arrays.items()
        ]


def _pickled(path: Path) -> list[TensorEntry]:
    require("torch", f"inspecting a {path.suffix} file")
    from edgeir.checkpoint.foreign.read import read_weights as read_foreign

    return _nested("", read_foreign(path))


def _nested(prefix: str, value: Any) -> list[TensorEntry]:
    if isinstance(value, Mapping):
        return [entry for key, inner in value.items() for entry in _nested(f"{prefix}{key}.", inner)]
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        dtype = str(value.dtype).removeprefix("torch.")
        return [TensorEntry(prefix[:-1], tuple(int(side) for side in value.shape), dtype, constant=True)]
    return []


def _dtype(name: str) -> str:
    """Safetensors' name of a type as numpy's."""
    short = {"F": "float", "I": "int", "U": "uint", "BF": "bfloat"}
    letters = name.rstrip("0123456789")
    return f"{short[letters]}{name[len(letters) :]}" if letters in short else name.lower()
