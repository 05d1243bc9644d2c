"""Change the NCHW float32 input and output of an ONNX graph to NHWC uint8.

A QDQ graph already quantises its image with scale 1/255 and zero point 0, so its first QuantizeLinear and last
DequantizeLinear are removed; where a DepthToSpace follows, its result is quantised again, which changes no value. Any
other graph gets the arithmetic: /255 in front;
*255, round and clip at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeir.core.requires import require

__all__ = ["bytes_in_and_out"]


def bytes_in_and_out(model: Any) -> Any:
    """Change the graph's input ``image`` and output ``restored`` to (1, H, W, 3) uint8, in place; returns it."""
    _entry(model)
    _exit(model)
    return model


def _entry(model: Any) -> None:
    helper = require("onnx.helper", "exporting to ONNX")
    graph = model.graph
    transpose = helper.make_node("Transpose", ["image"], ["image_nchw"], name="to_nchw", perm=[0, 3, 1, 2])
    quantisers = [n for n in graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "image"]
    if quantisers and all(_is_byte_image(model, node) for node in quantisers):
        for node in quantisers:
            _rename_input(graph, node.output[0], "image_nchw")
            graph.node.remove(node)
        graph.node.insert(0, transpose)
    else:
        _rename_input(graph, "image", "image_unit")
        nodes = [
            transpose,
            helper.make_node("Cast", ["image_nchw"], ["image_float"], name="to_float", to=_types().FLOAT),
            helper.make_node(
                "Mul", ["image_float", _constant(model, "per_level", 1 / 255)], ["image_unit"], name="to_unit"
            ),
        ]
        for position, node in enumerate(nodes):
            graph.node.insert(position, node)
    _declare(graph.input[0])


def _exit(model: Any) -> None:
    helper = require("onnx.helper", "exporting to ONNX")
    graph = model.graph
    last = next(node for node in graph.node if "restored" in node.output)
    quantised = _maker(graph, last.input[0]) if last.op_type == "DepthToSpace" else last
    if quantised is not None and quantised.op_type == "DequantizeLinear" and _is_byte_image(model, quantised):
        source = quantised.input[0]
        if quantised is last:
            graph.node.remove(quantised)
        else:  # ONNX Runtime before 1.22 shuffles no bytes; later ones see that these floats are some
            last.output[0], source = "restored_unit", "restored_bytes"
            ends = ["restored_unit", *quantised.input[1:]]
            graph.node.append(helper.make_node("QuantizeLinear", ends, [source], name="to_bytes"))
    else:
        last.output[list(last.output).index("restored")] = "restored_unit"
        levels = _constant(model, "levels", 255.0)
        graph.node.extend(
            [
                helper.make_node("Mul", ["restored_unit", levels], ["restored_levels"], name="to_levels"),
                helper.make_node("Round", ["restored_levels"], ["restored_round"], name="to_whole_levels"),
                helper.make_node(
                    "Clip",
                    ["restored_round", _constant(model, "black", 0.0), levels],
                    ["restored_clip"],
                    name="to_byte_range",
                ),
                helper.make_node(
                    "Cast", ["restored_clip"], ["restored_bytes"], name="to_bytes", to=_types().UINT8
                ),
            ]
        )
        source = "restored_bytes"
    graph.node.append(
        helper.make_node("Transpose", [source], ["restored"], name="to_nhwc", perm=[0, 2, 3, 1])
    )
    _declare(graph.output[0])


def _maker(graph: Any, name: str) -> Any | None:
    return next((node for node in graph.node if name in node.output), None)


def _is_byte_image(model: Any, node: Any) -> bool:
    """The node's scale is 1/255 and its zero point 0 (uint8)."""
    numpy_helper = require("onnx.numpy_helper", "exporting to ONNX")
    values = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    if len(node.input) < 3 or node.input[1] not in values or node.input[2] not in values:
        return False
    scale, zero_point = values[node.input[1]], values[node.input[2]]
    return bool(zero_point.dtype == np.uint8 and zero_point == 0 and np.isclose(scale, 1 / 255))


def _rename_input(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name == old:
                node.input[position] = new


def _constant(model: Any, name: str, value: float) -> str:
    numpy_helper = require("onnx.numpy_helper", "exporting to ONNX")
    model.graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), name))
    return name


def _declare(value: Any) -> None:
    """NCHW float32 to NHWC uint8 in the declaration of an input or output."""
    tensor = value.type.tensor_type
    tensor.elem_type = _types().UINT8
    dimensions = [type(d).FromString(d.SerializeToString()) for d in tensor.shape.dim]
    del tensor.shape.dim[:]
    tensor.shape.dim.extend([dimensions[0], dimensions[2], dimensions[3], dimensions[1]])


def _types() -> Any:
    return require("onnx", "exporting to ONNX").TensorProto
