"""The graph of any ``.onnx`` file, for `edgeir inspect`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require
from edgeir.exporting.inspect.graph import (
    GraphDescription,
    OperatorEntry,
    Reach,
    TensorEntry,
    Window,
    reach_of,
)
from edgeir.exporting.targets.onnx.details import (
    plain_attributes,
    traced_to,
    window_attributes,
    with_quantisation,
)

__all__ = ["DTYPES", "describe", "operator_entry", "parameters_of"]

DTYPES = {1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool"}
DTYPES |= {10: "float16", 11: "float64", 16: "bfloat16"}
"""ONNX's number of a type to numpy's name."""
_CONVOLUTIONS = (
    "Conv",
    "ConvInteger",
    "QLinearConv",
    "FusedConv",
    "NhwcFusedConv",
    "NhwcConv",
    "ConvTranspose",
)
_PRODUCTS = ("MatMul", "Gemm", "FusedMatMul", "MatMulInteger", "QLinearMatMul", "FusedGemm")
_SCALES = ("QuantizeLinear", "DequantizeLinear")
_INDICES = ("int64", "bool")


def describe(path: Path, size: tuple[int, int] | None = None) -> GraphDescription:
    """Read an ``.onnx`` file, whoever made it.

    Args:
        size: height and width of the input where the file leaves them open; shapes that follow from them are inferred.

    Raises:
        ArtifactError: it is damaged.
        MissingExtraError: the package onnx is not installed.
    """
    onnx = require("onnx", "inspecting an .onnx file")
    try:
        model = onnx.load(path)
        if size is not None:
            _fix(model, size)
        model = onnx.shape_inference.infer_shapes(model)
    except Exception as error:  # protobuf's and onnx's exceptions share no base
        short = (str(error).splitlines() or [type(error).__name__])[0][:150]
        raise ArtifactError(f"onnx cannot read it: {short}", where=path) from error
    graph = model.graph
    constants = {entry.name: entry for entry in graph.initializer}
    tensors = {
        name: TensorEntry(name, tuple(entry.dims), DTYPES.get(entry.data_type, "unknown"), constant=True)
        for name, entry in constants.items()
    }
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        dimensions = kind.shape.dim if kind.HasField("shape") else None
        shape = (
            None
            if dimensions is None
            else tuple(d.dim_value if d.HasField("dim_value") else None for d in dimensions)
        )
        tensors.setdefault(value.name, TensorEntry(value.name, shape, DTYPES.get(kind.elem_type, "unknown")))
    operators = []
    for node in graph.node:
        if node.op_type == "Constant":
            tensors[node.output[0]] = _constant(onnx, node)
            if node.attribute[0].name == "value":
                constants[node.output[0]] = node.attribute[0].t
            continue
        for name in node.output:
            tensors.setdefault(name, TensorEntry(name, None, "unknown"))
        attributes = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
        names = ([name for name in node.input if name], [name for name in node.output if name])
        entry = operator_entry(node.op_type, *names, attributes, tensors)
        said = {prop.key: prop.value for prop in node.metadata_props}
        operators.append(replace(entry, name=node.name or None, origin=traced_to(said)))

    def values(name: str) -> NDArray[Any] | None:
        found = constants.get(name)
        return None if found is None else onnx.numpy_helper.to_array(found)

    with_quantisation(operators, tensors, values)
    opsets = ", ".join(f"{entry.domain or 'opset'} {entry.version}" for entry in model.opset_import)
    return GraphDescription(
        f"ONNX, {opsets}, IR {model.ir_version}",
        tuple(value.name for value in graph.input if value.name not in constants),
        tuple(value.name for value in graph.output),
        tuple(operators),
        tensors,
        parameters_of(operators, tensors),
        values,
    )


def _fix(model: Any, size: tuple[int, int]) -> None:
    """Give the first input, a 4-dimensional one, a size where it has none, and forget the shapes that had symbols."""
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    if len(dimensions) != 4:
        return
    spatial = dimensions[1:3] if dimensions[3].dim_value in (1, 3, 4) else dimensions[2:4]
    for dimension, length in zip(spatial, size, strict=True):
        if not dimension.HasField("dim_value"):
            dimension.dim_value = length
    for dimension in dimensions[:1]:
        if not dimension.HasField("dim_value"):
            dimension.dim_value = 1
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")


def _constant(onnx: Any, node: Any) -> TensorEntry:
    value = onnx.helper.get_attribute_value(node.attribute[0])
    if node.attribute[0].name == "value":
        return TensorEntry(
            node.output[0], tuple(value.dims), DTYPES.get(value.data_type, "unknown"), constant=True
        )
    shape = (len(value),) if isinstance(value, (list, tuple)) else ()
    return TensorEntry(node.output[0], shape, "int64", constant=True)


def operator_entry(
    kind: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    attributes: Mapping[str, Any],
    tensors: Mapping[str, TensorEntry],
) -> OperatorEntry:
    """An ONNX node, of ONNX Runtime's own operators too, as `edgeir inspect` describes it."""
    found: dict[str, Any] = {"reach": _reach(kind, inputs, attributes, tensors)}
    settings = plain_attributes(attributes)
    weights = _weights(kind, inputs)
    if weights is not None and (shape := _constant_shape(weights, tensors)) is not None:
        if kind in _CONVOLUTIONS and len(shape) > 2:
            settings |= window_attributes(kind, shape, attributes)
        if kind == "ConvTranspose":
            found |= {"products": _product(shape[1:]), "per_input": True, "weights": weights}
            found["reach"] = _window(kind, shape[2:4], attributes)
        elif kind in _CONVOLUTIONS:
            found |= {"products": _product(shape[1:]), "weights": weights}
            window = shape[1:3] if kind.startswith("Nhwc") else shape[2:4]
            found["reach"] = _window(kind, window, attributes)
        else:
            found |= {"products": shape[-1] if attributes.get("transB") else shape[0], "weights": weights}
    elif kind == "ConvTranspose" or kind in _CONVOLUTIONS or kind in _PRODUCTS:
        left = tensors.get(inputs[0])
        inner = None if left is None or not left.shape else left.shape[-1]
        found["products"] = inner if kind in _PRODUCTS else None
    return OperatorEntry(kind, tuple(inputs), tuple(outputs), **found, attributes=settings)


def parameters_of(operators: Sequence[OperatorEntry], tensors: Mapping[str, TensorEntry]) -> tuple[str, ...]:
    """The constants that are weights, biases and slopes, scales and zero points left out."""
    found: list[str] = []
    for operator in operators:
        quantised = operator.kind.startswith("QLinear")
        for position, name in enumerate(operator.inputs):
            tensor = tensors.get(name)
            if tensor is None or not tensor.constant or tensor.dtype in _INDICES:
                continue
            if operator.kind in _SCALES and position > 0:
                continue
            if quantised and position not in (3, 8):
                continue
            found.append(name)
    return tuple(dict.fromkeys(found))


def _weights(kind: str, inputs: Sequence[str]) -> str | None:
    if kind in ("QLinearConv", "QLinearMatMul"):
        return inputs[3] if len(inputs) > 3 else None
    return inputs[1] if (kind in _CONVOLUTIONS or kind in _PRODUCTS) and len(inputs) > 1 else None


def _constant_shape(name: str, tensors: Mapping[str, TensorEntry]) -> tuple[int, ...] | None:
    """The shape of a constant, or of what is cast or dequantised from one."""
    tensor = tensors.get(name)
    if tensor is None or tensor.shape is None or None in tensor.shape:
        return None
    return tuple(side or 0 for side in tensor.shape)


def _reach(
    kind: str, inputs: Sequence[str], attributes: Mapping[str, Any], tensors: Mapping[str, TensorEntry]
) -> Reach:
    if kind in ("AveragePool", "MaxPool", "QLinearAveragePool"):
        return _window(kind, tuple(attributes.get("kernel_shape", (1, 1))), attributes)
    if kind in ("DepthToSpace", "SpaceToDepth"):
        block = int(attributes.get("blocksize", 1))
        return Window(enlarge=block) if kind == "DepthToSpace" else Window((block, block), stride=block)
    if kind in _PRODUCTS:
        return "pixel" if len(inputs) > 1 and _is_constant(inputs[1], tensors) else "unknown"
    if kind in ("Concat", "QLinearConcat"):  # along height or width it puts pixels elsewhere
        return "pixel" if attributes.get("axis") in (1, -3) else "unknown"
    if kind.startswith("Reduce"):
        axes = attributes.get("axes")
        return "pixel" if axes is not None and list(axes) in ([1], [-3]) else "global"
    if kind in _CONVOLUTIONS:
        return "unknown"
    return reach_of(kind)


def _window(kind: str, shape: tuple[int, ...], attributes: Mapping[str, Any]) -> Reach:
    strides = list(attributes.get("strides", (1, 1)))
    dilations = list(attributes.get("dilations", (1, 1)))
    if len(shape) != 2 or len(dilations) != 2 or not strides:
        return "unknown"
    extent = ((shape[0] - 1) * dilations[0] + 1, (shape[1] - 1) * dilations[1] + 1)
    return (
        Window(extent, enlarge=strides[0]) if kind == "ConvTranspose" else Window(extent, stride=strides[0])
    )


def _is_constant(name: str, tensors: Mapping[str, TensorEntry]) -> bool:
    return (tensor := tensors.get(name)) is not None and tensor.constant


def _product(sides: Sequence[int]) -> int:
    product = 1
    for side in sides:
        product *= side
    return product
