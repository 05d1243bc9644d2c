"""Make a QDQ graph of any quantiser one that gives the same on every CPU and in every release of ONNX Runtime.

A quantiser leaves a graph with QuantizeLinear and DequantizeLinear around its operators, float biases, and weights on
the scale it chose. What is done here:

- weights are quantised anew from the float graph by `saturation`'s rule;
- all activations get one type: a zero point of int8 plus 128 is the same one of uint8;
- the image is 8 bits at both ends: scale 1/255, also where a DepthToSpace makes it;
- biases become integers on the scale of input times weights. Releases of ONNX Runtime that do not do this themselves
  would convolve in float.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.requires import require
from edgeir.quantize.weight_scales import WeightRule, weight_scales

__all__ = ["integer_biases", "one_type", "set_image_input", "set_image_output", "set_weights"]

_MULTIPLIES = ("Conv", "ConvTranspose", "MatMul", "Gemm")
_LARGEST = 127


def set_weights(model: Any, source: Any, rule: WeightRule, *, per_tensor: bool) -> None:
    """Quantise the constant weights of `model` from those of the float graph `source`, in place.

    A convolution gets `rule`; of other products no order of addition is known, so they get 7 bits, or 8 with `full`.
    """
    numpy_helper = require("onnx.numpy_helper", "int8 for ONNX")
    floats = {entry.name: numpy_helper.to_array(entry) for entry in source.graph.initializer}
    kernels = {node.name: node.input[1] for node in source.graph.node if node.op_type in _MULTIPLIES}
    constants = {entry.name: entry for entry in model.graph.initializer}
    for node in model.graph.node:
        maker = _maker(model, node.input[1]) if node.op_type in _MULTIPLIES else None
        if maker is None or maker.op_type != "DequantizeLinear" or maker.input[0] not in constants:
            continue
        weights = floats[kernels[node.name]]
        axis = next((a.i for a in maker.attribute if a.name == "axis"), 1) % weights.ndim
        if node.op_type == "Conv" and not (
            per_tensor or numpy_helper.to_array(constants[maker.input[1]]).ndim
        ):
            scale: NDArray[np.float32] = weight_scales(weights, rule).max()
        elif node.op_type == "Conv":
            scale = weight_scales(weights, rule)
            scale = scale.max() if per_tensor else scale
        else:
            scale = _scale(weights, numpy_helper.to_array(constants[maker.input[1]]).ndim, axis, rule)
        shape = [-1 if at == axis else 1 for at in range(weights.ndim)] if np.ndim(scale) else []
        stored = np.clip(np.rint(weights / np.reshape(scale, shape)), -_LARGEST, _LARGEST).astype(np.int8)
        _replace(model, maker, [stored, np.asarray(scale, np.float32), np.zeros(np.shape(scale), np.int8)])


def _scale(weights: NDArray[Any], dimensions: int, axis: int, rule: WeightRule) -> NDArray[np.float32]:
    others = tuple(at for at in range(weights.ndim) if at != axis) if dimensions else None
    largest = np.abs(weights).max(axis=others) / (_LARGEST if rule == "full" else _LARGEST // 2 + 1)
    result: NDArray[np.float32] = np.where(largest < np.finfo(np.float32).tiny, 1.0, largest).astype(
        np.float32
    )
    return result


def one_type(model: Any, wanted: str) -> None:
    """Give all activations the type `wanted` (uint8 or int8), in place; the values they stand for stay."""
    numpy_helper = require("onnx.numpy_helper", "int8 for ONNX")
    quantisers = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    points = {node.input[2] for node in quantisers}
    for entry in model.graph.initializer:
        if entry.name in points:
            value = numpy_helper.to_array(entry)
            if value.dtype != wanted:
                shifted = value.astype(int) + (128 if wanted == "uint8" else -128)
                entry.CopyFrom(numpy_helper.from_array(shifted.astype(wanted), entry.name))


def set_image_input(model: Any, kind: str) -> None:
    """The image is read as bytes, scale 1/255 from 0 on, in place; where the first operators are float, it is not."""
    for node in list(model.graph.node):
        if node.op_type == "QuantizeLinear" and node.input[0] == "image":
            pair = [node, *(user for user in model.graph.node if node.output[0] in user.input)]
            for one in pair:
                _replace(model, one, [None, *_byte_image(kind)])


def set_image_output(model: Any, kind: str) -> None:
    """The image is given as bytes, scale 1/255 from 0 on, in place: values beyond [0, 1] are cut off by that."""
    image = _byte_image(kind)
    last = _maker(model, "restored")
    if last.op_type == "DequantizeLinear":
        return
    if last.op_type == "DepthToSpace":
        _quantise_edge(model, last, image)
    else:
        last.output[list(last.output).index("restored")] = "restored_float"
        _append_pair(model, "restored_float", "restored", image, len(model.graph.node))


def _byte_image(kind: str) -> list[NDArray[Any]]:
    return [np.array(1 / 255, np.float32), np.array(0 if kind == "uint8" else -128, kind)]


def _quantise_edge(model: Any, node: Any, image: list[NDArray[Any]]) -> None:
    """Put a pair between `node` and what makes its input."""
    source = node.input[0]
    maker = _maker(model, source)
    if maker is not None and maker.op_type == "DequantizeLinear":
        quantiser = _maker(model, maker.input[0])
        for one in (quantiser, maker):
            _replace(model, one, [None, *image])
        return
    node.input[0] = f"{source}_bytes"
    _append_pair(model, source, f"{source}_bytes", image, list(model.graph.node).index(node))


def _append_pair(model: Any, source: str, result: str, image: list[NDArray[Any]], position: int) -> None:
    helper = require("onnx.helper", "int8 for ONNX")
    between = f"{result}_quantised"
    pair = [
        helper.make_node("QuantizeLinear", [source, "", ""], [between], name=f"{result}_quantise"),
        helper.make_node("DequantizeLinear", [between, "", ""], [result], name=f"{result}_dequantise"),
    ]
    for at, node in enumerate(pair):
        model.graph.node.insert(position + at, node)
        _replace(model, model.graph.node[position + at], [None, *image])


def integer_biases(model: Any) -> None:
    """Biases of convolutions of integers by integers, as int32 on the scale of their products, in place."""
    numpy_helper = require("onnx.numpy_helper", "int8 for ONNX")
    helper = require("onnx.helper", "int8 for ONNX")
    constants = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    for node in list(model.graph.node):
        if (
            node.op_type not in ("Conv", "ConvTranspose")
            or len(node.input) < 3
            or node.input[2] not in constants
        ):
            continue
        makers = [_maker(model, name) for name in node.input[:2]]
        if any(maker is None or maker.op_type != "DequantizeLinear" for maker in makers):
            continue
        given, weights = (constants[maker.input[1]] for maker in makers)
        bias = constants[node.input[2]].astype(np.float64)
        scale = np.broadcast_to(given * weights, bias.shape).astype(np.float32)
        stored = np.clip(np.rint(bias / scale), -(2**31) + 1, 2**31 - 1).astype(np.int32)
        name = f"{node.name}_bias"
        dequantise = helper.make_node(
            "DequantizeLinear", ["", "", ""], [name], name=f"{name}_dequantise", axis=0
        )
        model.graph.node.insert(list(model.graph.node).index(node), dequantise)
        at = next(index for index, one in enumerate(model.graph.node) if list(one.output) == [name])
        _replace(model, model.graph.node[at], [stored, scale, np.zeros(bias.shape, np.int32)])
        node.input[2] = name
    _drop_unread(model)


def _replace(model: Any, node: Any, values: list[NDArray[Any] | None]) -> None:
    """Give a node constants of its own for the inputs that have a value here."""
    numpy_helper = require("onnx.numpy_helper", "int8 for ONNX")
    for position, (role, value) in enumerate(zip(("values", "scale", "zero_point"), values, strict=True)):
        if value is not None:
            name = f"{node.output[0]}_{role}"
            kept = [entry for entry in model.graph.initializer if entry.name == name]
            (kept[0] if kept else model.graph.initializer.add()).CopyFrom(
                numpy_helper.from_array(value, name)
            )
            node.input[position] = name
    _drop_unread(model)


def _drop_unread(model: Any) -> None:
    read = {name for node in model.graph.node for name in node.input}
    for entry in [entry for entry in model.graph.initializer if entry.name not in read]:
        model.graph.initializer.remove(entry)


def _maker(model: Any, name: str) -> Any:
    """The node that makes a tensor; None for a constant or an input."""
    return next((node for node in model.graph.node if name in node.output), None)
