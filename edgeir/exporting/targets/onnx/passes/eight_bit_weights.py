"""Weights of a float graph in 8 bits, a DequantizeLinear behind each: ONNX's own operators, no calibration.

The arithmetic stays that of float32. A scale for each output channel needs operator set 13. Weights are symmetric,
rounded half to even: q = round(w / s), s = max |w| of the channel / 127.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.core.requires import require
from edgeir.exporting.layers import fingerprint_of
from edgeir.quantize.weight_scales import rounded_channels

__all__ = ["store_weights"]

_OUTPUT_AXIS = {"Conv": 0, "ConvTranspose": 1}
"""Of the weights of an operator: the dimension of its output channels."""


def store_weights(model: Any, floats: Mapping[str, NDArray[np.float32]] | None = None) -> Any:
    """Store the float32 weights of convolutions in 8 bits, in place; returns the model.

    Args:
        floats: layers that stay in float: name to `edgeir.exporting.layers.fingerprint_of` the weights.

    Raises:
        ExportError: no convolution has constant weights, or a layer of `floats` is none of its own.
    """
    helper = require("onnx.helper", "8-bit weights for ONNX")
    numpy_helper = require("onnx.numpy_helper", "8-bit weights for ONNX")
    missing = dict(floats or {})
    constants = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    stored: dict[tuple[str, int], str] = {}
    for node in list(model.graph.node):
        axis = _output_axis(node)
        name = node.input[1] if axis is not None else ""
        if axis is None or name not in constants or constants[name].dtype != np.float32:
            continue
        if layers := _named(constants[name], floats or {}):
            missing = {layer: one for layer, one in missing.items() if layer not in layers}
            continue
        if (name, axis) not in stored:
            stored[name, axis] = made = f"{name}_dequantised_{axis}"
            numbers, scale = rounded_channels(constants[name], axis)
            parts = {"values": numbers, "scale": scale, "zero": np.zeros(scale.size, np.int8)}
            for part, value in parts.items():
                model.graph.initializer.add().CopyFrom(numpy_helper.from_array(value, f"{made}_{part}"))
            inputs = [f"{made}_{part}" for part in parts]
            model.graph.node.insert(
                0, helper.make_node("DequantizeLinear", inputs, [made], name=made, axis=axis)
            )
        node.input[1] = stored[name, axis]
    if missing:
        raise ExportError(
            f"the layer `{next(iter(missing))}` is not a layer of its own in the converted graph",
            fix="leave it out of the plan",
        )
    if not stored:
        raise ExportError(
            "no convolution has weights that could be stored in 8 bits", fix="choose --precision fp32"
        )
    read = {name for node in model.graph.node for name in node.input}
    for entry in [entry for entry in model.graph.initializer if entry.name not in read]:
        model.graph.initializer.remove(entry)
    return model


def _named(weights: NDArray[np.float32], floats: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """The layers with these weights."""
    return [layer for layer, one in floats.items() if np.array_equal(fingerprint_of(weights), one)]


def _output_axis(node: Any) -> int | None:
    """None for what has no weights, and for a transposed convolution in groups, whose channels no axis tells apart."""
    groups = next((attribute.i for attribute in node.attribute if attribute.name == "group"), 1)
    if node.op_type == "ConvTranspose" and groups > 1:
        return None
    return _OUTPUT_AXIS.get(node.op_type)
