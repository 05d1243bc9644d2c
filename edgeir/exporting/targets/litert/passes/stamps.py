"""Operator versions and the oldest runtime, as LiteRT's own converter stamps them.

A runtime refuses an operator of a version that it does not know. A stamp that is too low lets an old runtime load a
file that it cannot run; one that is too high keeps a phone from a file that it could. The rules and the first release
of each version are those of LiteRT's `op_version.cc` and `runtime_version.cc` (release numbers are TensorFlow's).
An operator without a rule here keeps the version that the converter gave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["MIN_RUNTIME_ENTRY", "min_runtime_version", "version_needed"]

MIN_RUNTIME_ENTRY = "min_runtime_version"
"""The metadata entry: 16 bytes, the release padded with zeros."""

_SECOND_FOR_INT8 = frozenset(
    {"ADD", "SUB", "CONCATENATION", "MEAN", "PAD", "PADV2", "RELU", "RELU6", "RSQRT", "SQRT", "TANH", "LOGISTIC"}
    | {"DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "MAX_POOL_2D", "AVERAGE_POOL_2D", "MINIMUM", "MAXIMUM", "SPLIT", "SLICE"}
    | {"TRANSPOSE", "SUM", "REDUCE_MAX", "REDUCE_MIN", "SOFTMAX", "MIRROR_PAD", "SQUARED_DIFFERENCE", "ABS", "EXP"}
    | {"STRIDED_SLICE", "PACK", "SPLIT_V", "BATCH_MATMUL", "GELU", "LOG"}
)  # fmt: skip
"""Version 2 for 8-bit input, 1 for float."""
_FIRST = frozenset(
    {"LEAKY_RELU", "PRELU", "RELU_N1_TO_1", "RELU_0_TO_1", "FLOOR", "RESHAPE", "SQUARE", "NEG", "HARD_SWISH", "ELU"}
    | {"SELECT_V2", "DIV", "GATHER_ND", "POW"}
)  # fmt: skip
"""Version 1 for float and 8-bit input."""

_FOR_INT16 = {
    "CONV_2D": 4, "DEPTHWISE_CONV_2D": 5, "ADD": 3, "SUB": 5, "MUL": 4, "CONCATENATION": 3, "MEAN": 3, "PAD": 3,
    "PADV2": 3, "RELU": 3, "RELU6": 3, "LEAKY_RELU": 2, "TANH": 3, "LOGISTIC": 3, "MAX_POOL_2D": 3, "SOFTMAX": 3,
    "AVERAGE_POOL_2D": 3, "MINIMUM": 4, "MAXIMUM": 4, "SPLIT": 4, "SLICE": 4, "REDUCE_MAX": 3, "REDUCE_MIN": 3,
    "RESIZE_BILINEAR": 4, "RESIZE_NEAREST_NEIGHBOR": 4, "TRANSPOSE": 5, "BATCH_MATMUL": 3, "PACK": 3,
}  # fmt: skip
"""For 16-bit input. The converter stamps convolutions 1, because it asks for 16-bit weights as well, which none has;
here they have the version that brought the kernel."""

_RELEASES: dict[str, tuple[str, ...]] = {
    "ABS": ("1.13.0", "2.4.0"),
    "ADD": ("1.5.0", "1.14.0", "2.4.0"),
    "AVERAGE_POOL_2D": ("1.5.0", "1.14.0", "2.3.0"),
    "BATCH_MATMUL": ("2.3.0", "2.3.0", "2.4.0"),
    "CAST": ("1.5.0", "2.7.0", "2.8.0"),
    "CONCATENATION": ("1.5.0", "1.14.0", "2.3.0"),
    "CONV_2D": ("1.5.0", "1.14.0", "1.14.0", "2.3.0", "2.4.0", "2.9.0"),
    "DEPTHWISE_CONV_2D": ("1.5.0", "1.12.0", "1.14.0", "2.2.0", "2.3.0", "2.3.0"),
    "DEPTH_TO_SPACE": ("2.1.0", "2.5.0"),
    "DEQUANTIZE": ("1.13.1", "1.14.0", "1.15.0", "2.2.0", "2.7.0"),
    "DIV": ("1.6.0", "2.3.0"),
    "ELU": ("1.14.0",),
    "EXP": ("1.7.0", "2.12.0"),
    "FLOOR": ("1.9.0",),
    "GATHER_ND": ("1.14.0",),
    "GELU": ("2.9.0", "2.9.0"),
    "HARD_SWISH": ("1.15.0",),
    "LEAKY_RELU": ("1.13.1", "2.3.0"),
    "LOG": ("1.14.0", "2.15.0"),
    "LOGISTIC": ("1.14.0", "1.14.0", "2.3.0"),
    "MAXIMUM": ("1.14.0", "1.14.0", "2.3.0", "2.3.0"),
    "MAX_POOL_2D": ("1.5.0", "1.14.0", "2.3.0"),
    "MEAN": ("1.6.0", "1.14.0", "2.4.0"),
    "MINIMUM": ("1.14.0", "1.14.0", "2.3.0", "2.3.0"),
    "MIRROR_PAD": ("1.13.1", "2.3.0"),
    "MUL": ("1.5.0", "1.14.0", "1.15.0", "2.3.0"),
    "NEG": ("1.9.0",),
    "PACK": ("1.11.0", "1.14.0", "2.3.0"),
    "PAD": ("1.5.0", "1.14.0", "2.4.0"),
    "PADV2": ("1.9.0", "1.14.0", "2.4.0"),
    "POW": ("1.10.0",),
    "PRELU": ("1.8.0",),
    "QUANTIZE": ("1.14.0", "1.15.0", "2.7.0"),
    "REDUCE_MAX": ("1.11.0", "1.14.0", "2.5.0"),
    "REDUCE_MIN": ("1.11.0", "1.14.0", "2.5.0"),
    "RELU": ("1.5.0", "2.1.0", "2.5.0"),
    "RELU6": ("1.5.0", "1.14.0", "2.5.0"),
    "RELU_0_TO_1": ("2.10.0",),
    "RELU_N1_TO_1": ("1.5.0",),
    "RESHAPE": ("1.5.0",),
    "RESIZE_BILINEAR": ("1.7.0", "1.14.0", "2.2.0", "2.5.0"),
    "RESIZE_NEAREST_NEIGHBOR": ("1.13.1", "1.14.0", "2.3.0", "2.4.0"),
    "RSQRT": ("1.10.0", "2.5.0"),
    "SELECT_V2": ("2.2.0",),
    "SLICE": ("1.14.0", "1.14.0", "1.14.0", "2.4.0"),
    "SOFTMAX": ("1.5.0", "1.14.0", "2.3.0"),
    "SPACE_TO_DEPTH": ("1.5.0", "1.14.0"),
    "SPLIT": ("1.5.0", "1.14.0", "1.14.0", "2.3.0"),
    "SPLIT_V": ("1.13.1", "2.3.0"),
    "SQRT": ("1.10.0", "2.21.0"),
    "SQUARE": ("1.12.0",),
    "SQUARED_DIFFERENCE": ("1.13.1", "2.5.0"),
    "STRIDED_SLICE": ("1.6.0", "1.14.0"),
    "SUB": ("1.6.0", "1.14.0", "2.3.0", "2.4.0", "2.4.0"),
    "SUM": ("1.10.0", "1.15.0"),
    "TANH": ("1.14.0", "1.14.0", "2.3.0"),
    "TRANSPOSE": ("1.6.0", "1.14.0", "1.15.0", "2.3.0", "2.4.0"),
    "TRANSPOSE_CONV": ("1.9.0", "2.2.0", "2.3.0", "2.13.0"),
}
"""The first release that knows version 1, 2, …"""


def version_needed(graph: Graph, operator: Any) -> int | None:
    """The lowest version of the operator that has its types and options; None where there is no rule for it."""
    kind = graph.kind(operator)
    inputs = [int(index) for index in operator.inputs]
    data = inputs[1] if kind == "SPLIT" else inputs[0]
    integer = graph.dtype(data) == "INT8"
    if graph.dtype(data) == "INT16" and kind in _FOR_INT16:
        return _FOR_INT16[kind]
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return _convolution(graph, operator, kind, integer)
    if kind == "MUL":
        return _product(graph, operator, integer)
    if kind == "DEQUANTIZE":
        return 3 if graph.dtype(data) in ("FLOAT16", "INT16") else _dequantised(graph, data, integer)
    if kind == "QUANTIZE":
        return 2 if graph.dtype(int(operator.outputs[0])) == "INT16" else 1
    if kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        options = operator.builtinOptions
        exact = options.halfPixelCenters or (kind == "RESIZE_NEAREST_NEIGHBOR" and options.alignCorners)
        return 3 if exact else 2 if integer else 1
    if kind == "TRANSPOSE_CONV":
        if operator.builtinOptions.fusedActivationFunction:
            return 4
        return 3 if len(inputs) == 4 and inputs[3] >= 0 else 2 if graph.dtype(inputs[1]) == "INT8" else 1
    if kind == "CAST":
        return 3 if "INT8" in (graph.dtype(data), graph.dtype(int(operator.outputs[0]))) else 1
    if kind in _SECOND_FOR_INT8:
        return 2 if integer else 1
    return 1 if kind in _FIRST else None


def min_runtime_version(graph: Graph) -> str | None:
    """The first release that knows every operator's version; None where one of them is not in the table."""
    needed = []
    for operator in graph.operators:
        releases, version = _RELEASES.get(graph.kind(operator), ()), graph.version(operator)
        if version > len(releases):
            return None
        needed.append(releases[version - 1])
    return max(needed, key=_as_numbers, default=None)


def _as_numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))


def _convolution(graph: Graph, operator: Any, kind: str, integer: bool) -> int:
    source, weights = int(operator.inputs[0]), int(operator.inputs[1])
    if kind == "CONV_2D" and graph.shape(source)[-1] != graph.shape(weights)[-1]:
        return 6  # grouped
    if graph.dtype(weights) == "INT8":
        scales = graph.tensor(weights).quantization.scale
        hybrid = (5, 2) if kind == "CONV_2D" else (6, 4)
        return 3 if integer else hybrid[0] if len(scales) > 1 else hybrid[1]
    options = operator.builtinOptions
    dilated = options.dilationWFactor != 1 or options.dilationHFactor != 1
    return 2 if kind == "DEPTHWISE_CONV_2D" and dilated else 1


def _product(graph: Graph, operator: Any, integer: bool) -> int:
    if not integer:
        return 1
    first, second = (graph.quantisation(int(index))[0] for index in operator.inputs)
    return 3 if first * second / graph.quantisation(int(operator.outputs[0]))[0] >= 1 else 2


def _dequantised(graph: Graph, index: int, integer: bool) -> int:
    if not integer:
        return 1
    return 5 if len(graph.tensor(index).quantization.scale) > 1 else 2
