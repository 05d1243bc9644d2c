"""The one table of runtimes and target formats.

Everything that depends on the list of formats and runtimes derives from here: command-line choices, suffixes of model
files, the package that runs them, the list of `edgeir doctor`, the marks in plots. A new format is one
entry of `TARGETS`, a new runtime one of `RUNTIMES`, and the file that each names.

Importing this module imports no runtime; `settings` does.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeir.core.extras import extra_of, installed_version

__all__ = [
    "CHECKPOINT_RUNTIME",
    "RUNTIMES",
    "TARGETS",
    "RuntimeEntry",
    "TargetEntry",
    "TargetOption",
    "is_model_file",
    "runtime_entry",
    "runtime_names",
    "runtimes_of",
    "target_entry",
    "target_names",
    "target_of_file",
    "target_of_runtime",
    "target_titles",
    "written_targets",
]


@dataclass(frozen=True)
class RuntimeEntry:
    """A program that runs networks.

    Attributes:
        name: for ``--runtime``.
        title: for people.
        module: the import that runs models; its top-level package determines the extra that installs it.
        distribution: the distribution whose version is shown, and None where it is not installed.
        configuration: ``module:Class`` of its settings, which load a file or a checkpoint.
        marker, colour: how a plot draws it (matplotlib's names).
        timed: its time is that of the format; False for an interpreter, which a benchmark refuses.
        system: the only `sys.platform` that it runs on; None: any.
    """

    name: str
    title: str
    module: str
    distribution: str
    configuration: str
    marker: str
    colour: str
    timed: bool = True
    system: str | None = None

    @property
    def system_name(self) -> str:
        """Of `system`, for people."""
        return {"darwin": "macOS", "win32": "Windows", None: "any system"}.get(self.system, str(self.system))

    @property
    def runs_here(self) -> bool:
        """Whether this is its system."""
        return self.system is None or sys.platform == self.system

    @property
    def extra(self) -> str | None:
        """The extra of edgeir that installs it."""
        return extra_of(self.distribution)

    @property
    def version(self) -> str | None:
        """The installed version, or None."""
        return installed_version(self.distribution)

    def settings(self) -> Any:
        """The class of its settings."""
        return _named(self.configuration)


@dataclass(frozen=True)
class TargetOption:
    """A setting of a format that `edgeir export` offers as an option of its own.

    Attributes:
        name: of the field in the format's settings, and of the option.
        metavar: what its value looks like.
        help: what it means, without a full stop.
        default: in words.
    """

    name: str
    metavar: str
    help: str
    default: str


@dataclass(frozen=True)
class TargetEntry:
    """A format that networks are exported to.

    Attributes:
        name: for ``--target``.
        title: for people.
        suffix: of the model file or folder, with the dot.
        runtime: the `RuntimeEntry.name` that runs it here; None where nothing does.
        configuration: ``module:Class`` of its settings, which are the `target` of an export profile; None for a format
            that edgeir runs and does not write.
        reader: ``module:function`` that describes the graph of a file for `edgeir inspect`; None where nothing does.
        native: the runtime that runs it on devices, where that is another one and runs on their systems only.
        usage: ``module:function`` that writes code for apps (`edgeir.exporting.usage`), for the README of a bundle.
        marker_file: for a format that is a folder, a file in it that shows what the folder is.
        options: settings that `edgeir export` offers as options.
    """

    name: str
    title: str
    suffix: str
    runtime: str | None
    configuration: str | None
    marker_file: str | None = None
    native: str | None = None
    reader: str | None = None
    usage: str | None = None
    options: tuple[TargetOption, ...] = ()

    def settings(self) -> Any:
        """The class of its settings.

        Raises:
            TypeError: edgeir does not write the format.
        """
        if self.configuration is None:
            raise TypeError(f"edgeir writes no {self.suffix} files")
        return _named(self.configuration)

    def describe(self) -> Any:
        """The function that describes a file's graph, ``(path, size) -> GraphDescription``; None: there is none."""
        return None if self.reader is None else _named(self.reader)

    def usage_function(self) -> Any:
        """The function of `usage`, or None."""
        return None if self.usage is None else _named(self.usage)


CHECKPOINT_RUNTIME = "torch"
"""The runtime that runs checkpoints without an export."""

RUNTIMES: list[RuntimeEntry] = [
    RuntimeEntry("torch", "PyTorch", "torch", "torch", "edgeir.runtime.torch:Torch", "^", "#e08e1b"),
    RuntimeEntry(
        "onnxruntime",
        "ONNX Runtime",
        "onnxruntime",
        "onnxruntime",
        "edgeir.runtime.onnxruntime:OnnxRuntime",
        "s",
        "#2e86ab",
    ),
    RuntimeEntry(
        "litert",
        "LiteRT",
        "ai_edge_litert.interpreter",
        "ai-edge-litert",
        "edgeir.runtime.litert:LiteRT",
        "o",
        "#d1495b",
    ),
    RuntimeEntry(
        "mil",
        "MIL interpreter (coremltools)",
        "coremltools",
        "coremltools",
        "edgeir.runtime.mil.session:MIL",
        "D",
        "#6a4c93",
        timed=False,
    ),
    RuntimeEntry(
        "coreml",
        "Core ML (coremltools)",
        "coremltools",
        "coremltools",
        "edgeir.runtime.coreml:CoreML",
        "P",
        "#3a7d44",
        system="darwin",
    ),
    RuntimeEntry("ncnn", "ncnn", "ncnn", "ncnn", "edgeir.runtime.ncnn:Ncnn", "v", "#3c8d5a"),
    RuntimeEntry(
        "tensorflow",
        "TensorFlow",
        "tensorflow",
        "tensorflow-cpu",
        "edgeir.runtime.tensorflow:TensorFlow",
        "X",
        "#7a7a7a",
    ),
]

_GRAPH_OPTIONS = (
    TargetOption(
        "opset", "N", "Version of the operator set of the graph", "the oldest that has the operators"
    ),
    TargetOption("quantizer", "NAME", "Tool that makes int8, onnxruntime or nncf", "onnxruntime"),
)

TARGETS: list[TargetEntry] = [
    TargetEntry(
        "tflite",
        "LiteRT (Android, web)",
        ".tflite",
        "litert",
        "edgeir.exporting.targets.litert.target:LiteRT",
        reader="edgeir.exporting.targets.litert.describe:describe",
        usage="edgeir.exporting.targets.litert.usage:usage",
    ),
    TargetEntry(
        "onnx",
        "ONNX",
        ".onnx",
        "onnxruntime",
        "edgeir.exporting.targets.onnx.target:ONNX",
        reader="edgeir.exporting.targets.onnx.describe:describe",
        usage="edgeir.exporting.targets.onnx.usage:usage",
        options=_GRAPH_OPTIONS,
    ),
    TargetEntry(
        "ort",
        "ORT (small ONNX Runtime)",
        ".ort",
        "onnxruntime",
        "edgeir.exporting.targets.onnx.ort:ORT",
        reader="edgeir.exporting.targets.onnx.describe_ort:describe",
        usage="edgeir.exporting.targets.onnx.usage:usage",
        options=_GRAPH_OPTIONS,
    ),
    TargetEntry(
        "coreml",
        "Core ML (iOS, macOS)",
        ".mlpackage",
        "mil",
        "edgeir.exporting.targets.coreml.target:CoreML",
        marker_file="Manifest.json",
        native="coreml",
        reader="edgeir.exporting.targets.coreml.describe:describe",
        usage="edgeir.exporting.targets.coreml.usage:usage",
    ),
    TargetEntry(
        "ncnn",
        "ncnn (Android, iOS, desktop)",
        ".ncnn",
        "ncnn",
        "edgeir.exporting.targets.ncnn.target:NCNN",
        marker_file="model.ncnn.param",
        reader="edgeir.exporting.targets.ncnn.describe:describe",
        usage="edgeir.exporting.targets.ncnn.usage:usage",
    ),
    TargetEntry(
        "pb",
        "frozen TensorFlow graph (PIRM challenge)",
        ".pb",
        "tensorflow",
        configuration=None,
        reader="edgeir.exporting.targets.frozen_graph:describe",
    ),
]


def runtime_names() -> list[str]:
    """Every runtime, for ``--runtime``."""
    return [entry.name for entry in RUNTIMES]


def written_targets() -> list[TargetEntry]:
    """The formats that edgeir writes."""
    return [entry for entry in TARGETS if entry.configuration is not None]


def target_names() -> list[str]:
    """Every format that edgeir writes, for ``--target``."""
    return [entry.name for entry in written_targets()]


def target_titles() -> str:
    """Every format that edgeir writes with what it is for, for a help text."""
    return ", ".join(f"{entry.name} for {entry.title}" for entry in written_targets())


def runtime_entry(name: str) -> RuntimeEntry:
    """The runtime of a name; `KeyError` where there is none."""
    return {entry.name: entry for entry in RUNTIMES}[name]


def target_entry(name: str) -> TargetEntry:
    """The target of a name; `KeyError` where there is none."""
    return {entry.name: entry for entry in TARGETS}[name]


def target_of_runtime(name: str) -> TargetEntry | None:
    """The target to which a checkpoint is exported for a runtime; None where edgeir writes no format that it runs."""
    return next((entry for entry in written_targets() if name in (entry.runtime, entry.native)), None)


def runtimes_of(target: str) -> tuple[str, ...]:
    """The runtimes that run a format, the one to prefer on this system first; none for an unknown format."""
    entry = next((entry for entry in TARGETS if entry.name == target), None)
    if entry is None:
        return ()
    names = [name for name in (entry.native, entry.runtime) if name is not None]
    return tuple(sorted(names, key=lambda name: not runtime_entry(name).runs_here))


def target_of_file(path: Path) -> TargetEntry | None:
    """The format of a model file or folder, by its suffix; None for any other."""
    return next((entry for entry in TARGETS if path.suffix.lower() == entry.suffix), None)


def is_model_file(path: Path) -> bool:
    """Whether a path has the suffix of a target, and is a file, or the folder that its format asks for."""
    for entry in TARGETS:
        if path.suffix.lower() == entry.suffix:
            return path.is_file() if entry.marker_file is None else (path / entry.marker_file).is_file()
    return False


def _named(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
