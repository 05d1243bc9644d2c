"""A small file to ask a runtime what it is: one that edgeir ships."""

from __future__ import annotations

from pathlib import Path

from edgeir.core.assets import zoo_folder
from edgeir.core.errors import DeviceError
from edgeir.manifest.artifact import read_artifact

__all__ = ["probe_file"]

_NETWORK = "sr-x4-xs"


def probe_file() -> Path:
    """The ``.tflite`` of a small network of the zoo.

    Raises:
        DeviceError: it is not installed.
    """
    folder = zoo_folder(_NETWORK)
    if folder is None:
        raise DeviceError(
            f"the zoo's {_NETWORK} is missing, so that nothing can be tried", fix="install edgeir again"
        )
    artifact, place = read_artifact(folder / "litert")
    return place / artifact.main.path
