"""ONNX Runtime on the CPU: ``.onnx`` artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime.compare import FileTensor, check_manifest
from edgeir.runtime.session import run_checked
from edgeir.runtime.trial import DAMAGED, run_first_in_child

__all__ = ["FACTS_PROPERTY", "OnnxRuntime", "OnnxSession"]

FACTS_PROPERTY = "edgeir.facts"
"""The property of the model that holds `NetworkFacts` as JSON."""


SILENT = 4
"""Nothing short of the process's end is written: what goes wrong arrives as an exception too."""


class OnnxRuntime(Config):
    """Run ``.onnx`` artifacts with ONNX Runtime's CPU provider, all graph optimisations on."""

    kind: Literal["onnxruntime"] = "onnxruntime"
    threads: int = 1

    def load(self, model: Path, artifact: Artifact, file: ModelFile) -> OnnxSession:
        """Load `model`, which `file` of the artifact describes.

        Raises:
            ArtifactError: ONNX Runtime cannot run the file.
            MissingExtraError: onnxruntime is not installed.
        """
        return OnnxSession(model, artifact, file, threads=self.threads)


class OnnxSession:
    """One ``.onnx`` file in one `InferenceSession`."""

    runtime = "onnxruntime"

    def __init__(self, model: Path, artifact: Artifact, file: ModelFile, *, threads: int) -> None:
        ort = require("onnxruntime", "running an .onnx artifact")
        run_first_in_child(model, artifact, file, self.runtime)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = SILENT
        self._run_options = ort.RunOptions()
        self._run_options.log_severity_level = SILENT
        try:
            # Its fallback would try the same provider again, and print.
            self._session = ort.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
        except Exception as error:  # onnxruntime's exceptions share no public base
            raise ArtifactError(f"ONNX Runtime cannot load it: {_short(error)}", where=model) from error
        try:
            ends = (self._session.get_inputs(), self._session.get_outputs())
            inputs, outputs = ([_described(value) for value in values] for values in ends)
            recorded = self._session.get_modelmeta().custom_metadata_map.get(FACTS_PROPERTY)
        except UnicodeDecodeError as error:  # ONNX Runtime does not look whether names are text
            raise ArtifactError("its names or properties are no text", where=model, fix=DAMAGED) from error
        check_manifest(artifact.facts, file, inputs, outputs, recorded, where=model)
        self.artifact: Artifact | None = artifact
        self.file: ModelFile | None = file
        self.facts = artifact.facts
        self.input = file.inputs[0]
        self._output = file.outputs[0]
        self._model = model
        self._names = ([self._output.name], self.input.name)
        self.source_sha256 = file.sha256
        self.name = f"{artifact.source} {file.target}-{file.precision}"
        self.fixed_size = self.input.fixed_size

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Session.run`."""
        return run_checked(x, self, self._output, where=self._model)

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """See `Session.run_raw`."""
        assert self._session is not None, "the session is closed"
        outputs, name = self._names
        try:
            result: NDArray[Any] = self._session.run(outputs, {name: tensor}, self._run_options)[0]
        except Exception as error:
            raise ArtifactError(f"ONNX Runtime failed: {_short(error)}", where=self._model) from error
        return result

    def close(self) -> None:
        """See `Session.close`."""
        self._session = None


def _described(value: Any) -> FileTensor:
    """An input or output as the session describes it.

    ONNX keeps no scale for a graph's ends: in edgeir's files a float image is NCHW, and a byte image is NHWC with 1/255
    per level (`exporting.targets.onnx.passes.bytes_in_out`).
    """
    shape = tuple(size if isinstance(size, int) else None for size in value.shape)
    dtype = {"tensor(float)": "float32", "tensor(float16)": "float16"}.get(value.type, value.type[7:-1])
    if dtype == "uint8":
        return FileTensor(value.name, shape, dtype, "NHWC", (1 / 255, 0))
    return FileTensor(value.name, shape, dtype, "NCHW")


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
