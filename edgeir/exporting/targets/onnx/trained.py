"""The ranges that quantisation-aware training chose, as onnxruntime's quantiser takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edgeir.core.requires import require
from edgeir.exporting.trained import probe, trained_places

if TYPE_CHECKING:
    from edgeir.quantize.network import FakeQuantized

__all__ = ["trained_overrides"]


def trained_overrides(
    trained: FakeQuantized, model: Any, activations: Literal["uint8", "int8"]
) -> dict[str, list[dict[str, Any]]]:
    """`TensorQuantOverrides` of the tensors of a float graph of any size (input ``image``, NCHW, no clip)."""
    quantization = require("onnxruntime.quantization", "int8 for ONNX")
    kind = quantization.QuantType.QUInt8 if activations == "uint8" else quantization.QuantType.QInt8
    image = probe(trained)
    shift = 128 if activations == "uint8" else 0
    return {
        name: [
            {
                "scale": np.array(scale, np.float32),
                "zero_point": np.array(zero_point + shift, activations),
                "quant_type": kind,
            }
        ]
        for name, (scale, zero_point) in trained_places(
            trained, image, _values(model, image), layout="NCHW"
        ).items()
    }


def _values(model: Any, image: Any) -> dict[str, Any]:
    """Every computed tensor of the graph, by name."""
    onnx, ort = require("onnx", "int8 for ONNX"), require("onnxruntime", "int8 for ONNX")
    open_graph = type(model)()
    open_graph.CopyFrom(model)
    names = [name for node in model.graph.node for name in node.output]
    known = {value.name for value in open_graph.graph.output}
    for name in names:
        if name not in known:
            open_graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(
        open_graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    values = session.run(names, {"image": np.ascontiguousarray(image.transpose(0, 3, 1, 2))})
    return dict(zip(names, values, strict=True))
