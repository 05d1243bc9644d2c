"""ONNX: torch's dynamo exporter, static QDQ int8, the oldest operator set that has the operators.

Height and width are dynamic unless a size is asked for. Float files take and give NCHW float32 (fp16 ones too: the
casts are inside); ``--io uint8`` takes and gives **NHWC** bytes, which is how cameras and image decoders lay them out.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from edgeir.exporting.target import Job, Written
from edgeir.exporting.targets.onnx.graph import UNMADE, GraphSettings, described
from edgeir.exporting.targets.onnx.releases import needs_of

__all__ = ["ONNX"]


class ONNX(GraphSettings):
    """Settings of an ONNX export."""

    kind: Literal["onnx"] = "onnx"
    unmade: ClassVar[dict[str, str]] = UNMADE
    """See `edgeir.exporting.target.reason_against`."""

    def write(self, job: Job, path: Path) -> Written:
        """See `edgeir.exporting.target.Target`."""
        model = self.graph(job)
        path.write_bytes(model.SerializeToString())
        return described(path, job, needs_of(model, job.network.config.operators))
