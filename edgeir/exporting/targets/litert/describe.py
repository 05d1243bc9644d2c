"""The graph of any ``.tflite`` file, for `edgeir inspect`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from edgeir.exporting.inspect.graph import (
    GraphDescription,
    OperatorEntry,
    Reach,
    TensorEntry,
    Window,
    reach_of,
)
from edgeir.exporting.targets.litert.details import attributes_of, quantisation_of
from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["describe"]

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
_REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD")
_INDEX_TYPES = ("INT32", "INT64", "BOOL")


def describe(path: Path, size: tuple[int, int] | None = None) -> GraphDescription:
    """Read a ``.tflite`` file, whoever made it.

    Args:
        size: of the input where the file leaves it open; LiteRT's files hold the size of every tensor.

    Raises:
        ExportError: it has several subgraphs.
    """
    del size
    graph = Graph(path.read_bytes())
    touched = {
        index
        for operator in graph.operators
        for indices in (operator.inputs, operator.outputs)
        for index in ([] if indices is None else indices)
        if index >= 0
    } | {*graph.inputs, *graph.outputs}
    names = _unique_names(graph, sorted(int(index) for index in touched))
    by_name = {name: index for index, name in names.items()}
    tensors = {name: _tensor(graph, index, name) for index, name in names.items()}
    operators, weights = [], []
    for operator in graph.operators:
        inputs = (
            [int(index) for index in operator.inputs if index >= 0] if operator.inputs is not None else []
        )
        entry = OperatorEntry(
            graph.kind(operator),
            tuple(names[index] for index in inputs),
            tuple(names[int(index)] for index in operator.outputs),
            **_work(graph, operator, names),
            attributes=attributes_of(graph, operator),
        )
        if entry.kind == "TRANSPOSE_CONV":  # its first input is the output's shape
            entry = OperatorEntry(**{**vars(entry), "inputs": (*entry.inputs[2:3], *entry.inputs[1:2])})
        operators.append(entry)
        weights += [names[index] for index in inputs if _is_parameter(graph, operator, index)]
    version = f"LiteRT schema {graph.model.version}"
    return GraphDescription(
        version,
        tuple(names[index] for index in graph.inputs),
        tuple(names[index] for index in graph.outputs),
        tuple(operators),
        tensors,
        tuple(dict.fromkeys(weights)),
        lambda name: graph.constant(by_name[name]) if name in by_name else None,
    )


def _unique_names(graph: Graph, indices: list[int]) -> dict[int, str]:
    """Index to name; a name that several tensors have is followed by the index."""
    plain = {index: graph.name(index) for index in indices}
    several = {name for name, count in Counter(plain.values()).items() if count > 1}
    return {index: f"{name}#{index}" if name in several else name for index, name in plain.items()}


def _tensor(graph: Graph, index: int, name: str) -> TensorEntry:
    signature = graph.tensor(index).shapeSignature
    shape = graph.shape(index) if signature is None else tuple(int(side) for side in signature)
    constant = graph.model.buffers[graph.tensor(index).buffer].data is not None and index not in graph.inputs
    known = tuple(None if side < 0 else side for side in shape)
    return TensorEntry(name, known, graph.dtype(index).lower(), constant, quantisation_of(graph, index))


def _is_parameter(graph: Graph, operator: Any, index: int) -> bool:
    """A weight, or the bias of one in integers; the other integers are shapes, axes and indices."""
    if graph.model.buffers[graph.tensor(index).buffer].data is None or index in graph.inputs:
        return False
    if graph.dtype(index) in _INDEX_TYPES:
        return graph.kind(operator) in _WEIGHTED and graph.tensor(index).quantization is not None
    return True


def _work(graph: Graph, operator: Any, names: dict[int, str]) -> dict[str, Any]:
    kind, options = graph.kind(operator), operator.builtinOptions
    if kind in _WEIGHTED:
        weights = int(operator.inputs[1])
        shape = graph.shape(weights)
        products = int(np.prod(shape)) // max(shape[-1] if kind == "DEPTHWISE_CONV_2D" else shape[0], 1)
        found: dict[str, Any] = {"weights": names[weights], "products": products}
        if kind == "FULLY_CONNECTED":
            return found | {"reach": "pixel"}
        if kind == "TRANSPOSE_CONV":  # OHWI: each input value meets every output channel's window
            found |= {"products": int(np.prod(shape)) // max(shape[-1], 1), "per_input": True}
            return found | {"reach": Window((shape[1], shape[2]), enlarge=int(options.strideH))}
        dilation = (int(options.dilationHFactor or 1), int(options.dilationWFactor or 1))
        extent = tuple((side - 1) * step + 1 for side, step in zip(shape[1:3], dilation, strict=True))
        return found | {"reach": Window((extent[0], extent[1]), stride=int(options.strideH))}
    if kind == "BATCH_MATMUL":
        return {"products": graph.shape(int(operator.inputs[0]))[-1]}
    return {"reach": _reach(graph, operator, kind)}


def _reach(graph: Graph, operator: Any, kind: str) -> Reach:
    options = operator.builtinOptions
    if kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
        return Window((int(options.filterHeight), int(options.filterWidth)), stride=int(options.strideH))
    if kind == "DEPTH_TO_SPACE":
        return Window(enlarge=int(options.blockSize))
    if kind == "SPACE_TO_DEPTH":
        block = int(options.blockSize)
        return Window((block, block), stride=block)
    before, after = (graph.shape(int(index)) for index in (operator.inputs[0], operator.outputs[0]))
    if kind in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        ratio = after[1] / max(before[1], 1)
        extent = (3, 3) if kind == "RESIZE_BILINEAR" else (1, 1)
        return Window(extent, enlarge=int(ratio)) if ratio >= 1 and ratio == int(ratio) else "unknown"
    if kind in _REDUCTIONS:
        axes = graph.constant(int(operator.inputs[1]))
        spatial = axes is None or any(
            int(axis) % len(before) in range(1, len(before) - 1) for axis in axes.flat
        )
        return "global" if spatial else "pixel"
    if kind in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "BROADCAST_TO"):
        pixels = len(before) == 4 == len(after) and before[1:3] == after[1:3]
        return "pixel" if pixels else "unknown"
    if kind == "CONCATENATION":  # along height or width it puts pixels elsewhere
        return "pixel" if int(options.axis) % len(after) == len(after) - 1 else "unknown"
    if kind == "TRANSPOSE":
        order = graph.constant(int(operator.inputs[1]))
        return "pixel" if order is not None and len(before) == 4 else "unknown"
    return reach_of(kind)
