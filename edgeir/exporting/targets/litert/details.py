"""Attributes of the operators and quantisation of the tensors of a ``.tflite`` file, for `edgeir lint`."""

from __future__ import annotations

import re
from typing import Any

from edgeir.exporting.inspect.graph import Attribute, Quantisation
from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["attributes_of", "quantisation_of"]

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PADDINGS = ("same", "valid")
_AXES = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ANY", "REDUCE_ALL")


def attributes_of(graph: Graph, operator: Any) -> dict[str, Attribute]:
    """The schema's options with their names in lower case, and what `OperatorEntry.attributes` asks for."""
    kind, options = graph.kind(operator), operator.builtinOptions
    found: dict[str, Attribute] = {}
    for field, value in ({} if options is None else vars(options)).items():
        if isinstance(value, (bool, int, float, str)):
            found[_CAMEL.sub("_", field).lower()] = value
    if "fused_activation_function" in found:
        found["activation"] = graph.activation_name(int(found.pop("fused_activation_function")))  # type: ignore[arg-type]
    if "padding" in found:
        found["padding"] = _PADDINGS[int(found["padding"])]  # type: ignore[arg-type]
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"):
        found |= _window(graph, operator, kind)
    if kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        found["kernel"] = (int(options.filterHeight), int(options.filterWidth))
        found["stride"] = (int(options.strideH), int(options.strideW))
    if kind in _AXES and (axes := graph.constant(int(operator.inputs[1]))) is not None:
        rank = len(graph.shape(int(operator.inputs[0])))
        found["axes"] = tuple(sorted(int(axis) % max(rank, 1) for axis in axes.flat))
    if kind == "STRIDED_SLICE" and (steps := graph.constant(int(operator.inputs[3]))) is not None:
        found["stride"] = tuple(abs(int(step)) for step in steps.flat)
    if kind == "TRANSPOSE" and (order := graph.constant(int(operator.inputs[1]))) is not None:
        found["order"] = tuple(int(axis) for axis in order.flat)
    return found


def _window(graph: Graph, operator: Any, kind: str) -> dict[str, Attribute]:
    options, shape = operator.builtinOptions, graph.shape(int(operator.inputs[1]))
    depthwise = kind == "DEPTHWISE_CONV_2D"
    channels = shape[3] if depthwise else shape[0]
    inputs = graph.shape(int(operator.inputs[2 if kind == "TRANSPOSE_CONV" else 0]))[-1]
    groups = inputs if depthwise else max(inputs // max(shape[3], 1), 1)
    dilation = (
        int(getattr(options, "dilationHFactor", 1) or 1),
        int(getattr(options, "dilationWFactor", 1) or 1),
    )
    return {
        "kernel": (shape[1], shape[2]),
        "stride": (int(options.strideH), int(options.strideW)),
        "dilation": dilation,
        "groups": groups,
        "channels": channels,
    }


def quantisation_of(graph: Graph, index: int) -> Quantisation | None:
    """The scales of a tensor; None for one that is not quantised."""
    said = graph.tensor(index).quantization
    if said is None:
        return None
    if getattr(said, "details", None) is not None:
        return Quantisation("block")
    if said.scale is None or len(said.scale) == 0:
        return None
    scales = tuple(float(scale) for scale in said.scale)
    return Quantisation("tensor" if len(scales) == 1 else "channel", scales)
