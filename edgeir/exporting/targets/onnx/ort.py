"""ORT (``.ort``): ONNX Runtime's own format, the only one that its small builds for phones and browsers take.

The file holds the graph as ONNX Runtime's optimiser leaves it, and is loaded without a further look: no start-up time
goes to optimising, and what was not optimised stays so. The level is always the runtime's "extended" one, which fuses
operators (in integers: dequantise, convolve, quantise become one) alike on every CPU; the level above lays weights out
for the CPU at hand. Float files therefore differ from what the ``.onnx`` file computes by rounding. There is no fp16:
the optimiser would write casts to float32 into the file, those that the CPU at hand needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from edgeir.core.errors import ExportError
from edgeir.core.files import scratch_dir
from edgeir.core.requires import require
from edgeir.exporting.target import Job, Written
from edgeir.exporting.targets.onnx.graph import UNMADE, GraphSettings, described
from edgeir.exporting.targets.onnx.ort_bytes import format_version, same_bytes
from edgeir.exporting.targets.onnx.releases import needs_of_ort
from edgeir.runtime.quiet import libraries_silenced

__all__ = ["ORT"]

_NO_HALVES = "it would hold float32 arithmetic between casts: larger than fp32, and no faster"
_SETTINGS = {
    "session.save_model_format": "ORT",
    "session.qdqisint8allowed": "1",  # else it depends on the CPU that writes the file
}


class ORT(GraphSettings):
    """Settings of an export to ONNX Runtime's own format; those of the ONNX graph that it is made of."""

    kind: Literal["ort"] = "ort"
    unmade: ClassVar[dict[str, str]] = {"fp16": _NO_HALVES, **UNMADE}
    """See `edgeir.exporting.target.reason_against`."""

    def write(self, job: Job, path: Path) -> Written:
        """See `edgeir.exporting.target.Target`."""
        if self.precision.default.weights == "float16":
            raise ExportError(
                f"an .ort file cannot be in fp16: {_NO_HALVES}",
                fix="choose --precision fp32 or int8, or --target onnx",
            )
        graph = self.graph(job).SerializeToString()
        ort = require("onnxruntime", "exporting to ORT")
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        for key, value in _SETTINGS.items():
            options.add_session_config_entry(key, value)
        with scratch_dir("ort") as folder, libraries_silenced():
            options.optimized_model_filepath = str(folder / "model.ort")
            try:
                ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
                data = same_bytes((folder / "model.ort").read_bytes())
            except Exception as error:  # onnxruntime's exceptions share no public base
                short = (str(error).splitlines() or [type(error).__name__])[0][:200]
                raise ExportError(f"ONNX Runtime cannot write the file: {short}") from error
        path.write_bytes(data)
        integer = self.precision.default.integer
        return described(
            path, job, needs_of_ort(format_version(data), job.network.config.operators, integer=integer)
        )
