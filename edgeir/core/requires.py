"""Import an optional package, or say exactly what to install."""

from __future__ import annotations

import importlib
from types import ModuleType

from edgeir.core.errors import MissingExtraError

__all__ = ["EXTRAS", "missing_extra", "require"]

EXTRAS = {
    "torch": "train",
    "lightning_fabric": "train",
    "safetensors": "train",
    "sklearn": "train",
    "onnx": "onnx",
    "onnxscript": "onnx",
    "onnxruntime": "onnx",
    "litert_torch": "litert",
    "ai_edge_litert": "litert",
    "ai_edge_quantizer": "litert",
    "litert_converter": "litert",
    "flatbuffers": "litert",
    "coremltools": "coreml",
    "nncf": "nncf",
    "tensorflow": "tf",
    "h5py": "hdf5",
    "pillow_heif": "heif",
}
"""Top-level import name to the extra of edgeir that brings it."""


def require(module: str, purpose: str) -> ModuleType:
    """Import `module` (dotted) for `purpose`.

    Raises:
        MissingExtraError: its top-level package is not installed; the message has the ``pip install`` line.
    """
    top = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != top:
            raise
        raise MissingExtraError(top, EXTRAS.get(top, "all"), purpose) from error


def missing_extra(error: ModuleNotFoundError, purpose: str) -> MissingExtraError | None:
    """The error that a user can act on, where `error` is about a package of an extra; else None."""
    top = (error.name or "").partition(".")[0]
    return MissingExtraError(top, EXTRAS[top], purpose) if top in EXTRAS else None
