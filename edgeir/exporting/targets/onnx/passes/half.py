"""Half precision between float32 ends."""

from __future__ import annotations

from typing import Any

from edgeir.core.requires import require

__all__ = ["halve"]


def halve(model: Any) -> Any:
    """Compute in float16 between float32 ends; the casts, which are appended at the end, are put where they can run."""
    ir = require("onnx_ir", "exporting to ONNX")
    passes = require("onnx_ir.passes.common", "exporting to ONNX")
    float16 = require("onnxruntime.transformers.float16", "fp16 for ONNX")
    proto = float16.convert_float_to_float16(model, keep_io_types=True, disable_shape_infer=True)
    _drop_repeated_casts(proto.graph)
    del proto.graph.value_info[:]  # of operators that stay in float32 it says float16
    halved = ir.from_proto(proto)
    passes.TopologicalSortPass()(halved)
    return ir.to_proto(halved)


def _drop_repeated_casts(graph: Any) -> None:
    """Of a constant that several float32 operators share, the converter makes the same cast for each of them."""
    seen: set[str] = set()
    for node in list(graph.node):
        if node.op_type == "Cast" and node.output[0] in seen:
            graph.node.remove(node)
        seen.update(node.output)
