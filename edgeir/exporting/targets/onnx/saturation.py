"""Weight scales with which every CPU computes the same (`edgeir.quantize.weight_scales`), for onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeir.core.requires import require
from edgeir.quantize.weight_scales import WeightRule, weight_scales

__all__ = ["weight_overrides"]


def weight_overrides(
    model: Any, rule: WeightRule, *, per_tensor: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """`TensorQuantOverrides` of onnxruntime.quantization for the constant weights that integer kernels multiply by.

    Args:
        per_tensor: one scale for a layer, that of the channel that needs the largest.
    """
    kind = require("onnxruntime.quantization", "int8 for ONNX").QuantType.QInt8
    numpy_helper = require("onnx.numpy_helper", "int8 for ONNX")
    constants = {constant.name: constant for constant in model.graph.initializer}
    # A constant on the left of a product: the kernel takes one scale for it, and the quantiser gives one per column.
    result: dict[str, list[dict[str, Any]]] = {
        node.input[0]: [{"quant_type": kind, "reduce_range": rule != "full"}]
        for node in model.graph.node
        if node.op_type == "MatMul" and node.input[0] in constants
    }
    if rule == "full":
        return result
    for node in model.graph.node:
        if node.op_type not in ("Conv", "ConvTranspose", "MatMul", "Gemm") or node.input[1] not in constants:
            continue
        name = node.input[1]
        if node.op_type == "Conv":
            scales = weight_scales(numpy_helper.to_array(constants[name]), rule)
            given = {"zero_point": np.array(0, np.int8), "quant_type": kind}
            result[name] = (
                [{"scale": scales.max(), **given}]
                if per_tensor
                else [{"axis": 0, "scale": scale, **given} for scale in scales]
            )
        else:  # none of them has an order of its own that kernels agree on
            result[name] = [{"quant_type": kind, "reduce_range": True}]
    return result
