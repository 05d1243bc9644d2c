"""LiteRT (formerly TensorFlow Lite) on the CPU with XNNPACK: ``.tflite`` artifacts."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime.compare import FileTensor, check_manifest
from edgeir.runtime.litert_metadata import read_facts
from edgeir.runtime.quiet import native_silenced
from edgeir.runtime.session import check_image, from_native, to_native
from edgeir.runtime.trial import run_first_in_child

__all__ = ["LiteRT", "LiteRTSession"]


class LiteRT(Config):
    """Run ``.tflite`` artifacts with LiteRT's interpreter and XNNPACK kernels."""

    kind: Literal["litert"] = "litert"
    threads: int = 1

    def load(self, model: Path, artifact: Artifact, file: ModelFile) -> LiteRTSession:
        """Load `model`, which `file` of the artifact describes.

        Raises:
            ArtifactError: LiteRT cannot run the file.
            MissingExtraError: ai-edge-litert is not installed.
        """
        return LiteRTSession(model, artifact, file, threads=self.threads)


class LiteRTSession:
    """One ``.tflite`` file in one interpreter; the tensors are allocated once, at load."""

    runtime = "litert"

    def __init__(self, model: Path, artifact: Artifact, file: ModelFile, *, threads: int) -> None:
        litert = require("ai_edge_litert.interpreter", "running a .tflite artifact")
        recorded = read_facts(run_first_in_child(model, artifact, file, self.runtime), where=model)
        try:
            with native_silenced():
                self._interpreter = litert.Interpreter(model_path=str(model), num_threads=threads)
                self._interpreter.allocate_tensors()
            entries, exits = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:  # a name that is no text is a ValueError as well
            raise ArtifactError(f"LiteRT cannot load it: {_short(error)}", where=model) from error
        check_manifest(
            artifact.facts,
            file,
            [_described(e) for e in entries],
            [_described(e) for e in exits],
            recorded,
            where=model,
        )
        entry, exit_ = entries[0], exits[0]
        self.artifact: Artifact | None = artifact
        self.file: ModelFile | None = file
        self.facts = artifact.facts
        self.input = file.inputs[0]
        self._output = file.outputs[0]
        self._model = model
        self.fixed_size: tuple[int, int] | None = (int(entry["shape"][1]), int(entry["shape"][2]))
        self.source_sha256 = file.sha256
        self.name = f"{artifact.source} {file.target}-{file.precision}"
        try:
            self._entry = self._interpreter.tensor(entry["index"])
            self._result = _buffer(self._interpreter.tensor(exit_["index"])())
        except ValueError as error:  # a damaged file whose output nothing computes
            raise ArtifactError(f"LiteRT cannot load it: {_short(error)}", where=model) from error

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Session.run`."""
        check_image(x, self)
        return from_native(self.run_raw(to_native(x, self.input)), self._output)

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """See `Session.run_raw`: NHWC, the dtype of `input`. The result is the interpreter's own buffer."""
        assert self._interpreter is not None, "the session is closed"
        self._entry()[...] = tensor
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise ArtifactError(f"LiteRT failed: {_short(error)}", where=self._model) from error
        return self._result

    def close(self) -> None:
        """See `Session.close`."""
        self._interpreter = None
        self._entry = None
        self._result = np.empty(0)


def _described(detail: dict[str, Any]) -> FileTensor:
    """An entry of the interpreter's details. Images are NHWC in every LiteRT file that edgeir writes."""
    scale, zero_point = detail["quantization"]
    return FileTensor(
        name=None,  # files made by others, which a benchmark may set beside ours, have other ones
        shape=tuple(int(size) for size in detail["shape"]),
        dtype=np.dtype(detail["dtype"]).name,
        layout="NHWC",
        quantisation=(float(scale), int(zero_point)) if scale else None,
    )


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _buffer(view: NDArray[Any]) -> NDArray[Any]:
    """The same memory without a reference on it: the interpreter refuses to run while its own views are held."""
    memory: Any = (ctypes.c_char * view.nbytes).from_address(view.ctypes.data)
    buffer: NDArray[Any] = np.frombuffer(memory, dtype=view.dtype).reshape(view.shape)
    return buffer
