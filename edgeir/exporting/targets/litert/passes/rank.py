"""Keep means over the whole image in four dimensions.

The converter writes the mean over height and width as MEAN to (1, C) and restores the rank with RESHAPE where it must.
Kept as (1, 1, 1, C) it has the layout of the tensors around it, and no RESHAPE is needed.
"""

from __future__ import annotations

from typing import Any

from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.shuffle import BINARY, UNARY

__all__ = ["keep_mean_rank"]

_ELEMENTWISE = BINARY | UNARY | {"RSQRT", "SQRT", "SQUARE"}


def keep_mean_rank(graph: Graph) -> int:
    """Give every MEAN of one image over height and width a result of rank 4; how many there were.

    A mean stays as it is where something other than element-wise operators and RESHAPE to (1, 1, 1, C) reads it.
    """
    kept = 0
    for mean in list(graph.operators):
        if graph.kind(mean) != "MEAN" or mean.builtinOptions.keepDims or not _spatial(graph, mean):
            continue
        flat: list[int] = []
        reshapes: list[Any] = []
        if _collect(graph, int(mean.outputs[0]), flat, reshapes):
            mean.builtinOptions.keepDims = True
            for index in flat:
                graph.tensor(index).shape = [1, 1, 1, graph.shape(index)[-1]]
            for reshape in reshapes:
                graph.replace_uses(int(reshape.outputs[0]), int(reshape.inputs[0]))
                graph.remove(reshape)
            kept += 1
    return kept


def _spatial(graph: Graph, mean: Any) -> bool:
    axes, shape = graph.constant(int(mean.inputs[1])), graph.shape(int(mean.inputs[0]))
    return (
        axes is not None
        and len(shape) == 4
        and shape[0] == 1
        and sorted(int(axis) % 4 for axis in axes.reshape(-1)) == [1, 2]
    )


def _collect(graph: Graph, index: int, flat: list[int], reshapes: list[Any]) -> bool:
    """Note the (1, C) tensors that follow from tensor `index`, and the RESHAPEs that end them."""
    shape = graph.shape(index)
    if len(shape) != 2 or index in flat:
        return True  # broadcast into the image's own shape, which stays, or known
    flat.append(index)
    if index in graph.outputs:
        return False
    for user in graph.consumers(index):
        kind, result = graph.kind(user), int(user.outputs[0])
        if kind == "RESHAPE" and graph.shape(result) == (1, 1, 1, shape[1]):
            reshapes.append(user)
        elif kind not in _ELEMENTWISE or not _collect(graph, result, flat, reshapes):
            return False
    return True
