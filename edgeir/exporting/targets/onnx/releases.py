"""The oldest release of ONNX Runtime that reads a file, by the operator set and the IR version in its stamp.

What each release was built with is in ONNX Runtime's table of versions
(https://onnxruntime.ai/docs/reference/compatibility.html); what that release of ONNX brought is in the package `onnx`.
A release refuses a newer IR version, and an operator set that it does not know.
"""

from __future__ import annotations

from typing import Any

from edgeir.core.requires import require
from edgeir.exporting.targets.onnx.passes.lower_opset import opset_of
from edgeir.manifest.artifact import RuntimeNeeds

__all__ = ["BUILT_WITH", "MEASURED_NETWORKS", "OLDEST_MEASURED", "needs_of", "needs_of_ort", "oldest_release"]

BUILT_WITH = {
    "1.0": "1.6.0",
    "1.3": "1.7.0",
    "1.6": "1.8.0",
    "1.8": "1.9.0",
    "1.10": "1.10.0",
    "1.11": "1.11.0",
    "1.12": "1.12.0",
    "1.14": "1.13.0",
    "1.15": "1.14.0",
    "1.17": "1.15.0",
    "1.18": "1.16.0",
    "1.22": "1.17.0",
    "1.23": "1.18.0",
    "1.24": "1.20.0",
    "1.27": "1.21.0",
}
"""Release of ONNX Runtime to the release of ONNX in it; what is left out has that of the one before."""
MEASURED_NETWORKS = frozenset(
    ["aod-net", "arcnn", "dncnn", "edsr", "ffdnet", "plainsr", "ppcn-sr", "ppdn", "srcnn"]
)
"""The kinds of networks of which `benchmarks/old_onnx.py` ran files; others may hold operators that were not tried."""
OLDEST_MEASURED = {16: "1.15.1", 19: "1.16.3"}
"""Operator set to the oldest release on which all files of it and of older ones were right (`benchmarks/old_onnx.py`).
An operator set may be known to a release that lacks a kernel of it."""

ORT_FORMATS = {"5": "1.13", "6": "1.16"}
"""Version of ONNX Runtime's own format to the first release that reads it."""
OLDEST_MEASURED_ORT = {"float": "1.16.3", "int8": "1.22.1"}
"""As `OLDEST_MEASURED`: a file holds the fused operators of the release that wrote it, which older ones may lack."""


def oldest_release(opset: int, ir: int) -> str | None:
    """The first release that reads files of this stamp; None: none that is known here does."""
    table = {row[0]: (row[2], row[1]) for row in require("onnx.helper", "exporting to ONNX").VERSION_TABLE}
    for release, onnx in BUILT_WITH.items():
        if onnx in table and opset <= table[onnx][0] and ir <= table[onnx][1]:
            return release
    return None


def needs_of(model: Any, network: str) -> RuntimeNeeds:
    """What a runtime has to know to run the graph of a kind of network."""
    opset, ir = opset_of(model), int(model.ir_version)
    stated = oldest_release(opset, ir)
    return RuntimeNeeds(
        stamp=f"opset {opset}, IR {ir}",
        runtime="onnxruntime",
        stated=stated,
        measured=(
            next((release for newest, release in OLDEST_MEASURED.items() if opset <= newest), None)
            if network in MEASURED_NETWORKS
            else None
        ),
    )


def needs_of_ort(version: str, network: str, *, integer: bool) -> RuntimeNeeds:
    """What ONNX Runtime has to know to run a file in its own format, which is not older than the one that wrote it."""
    stated = ORT_FORMATS.get(version)
    return RuntimeNeeds(
        stamp=f"ORT format {version}",
        runtime="onnxruntime",
        stated=stated,
        measured=OLDEST_MEASURED_ORT["int8" if integer else "float"]
        if network in MEASURED_NETWORKS
        else None,
    )
