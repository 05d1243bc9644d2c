"""Whether a graph is bound to its size, and has to be calibrated at it (`edgeir.exporting.calibration.fitted`).

Most graphs run at any size, so they are calibrated on crops, whatever the size of the export. A graph that resizes to a
fixed size, or holds a constant as large as the image, runs at its own size only.
"""

from __future__ import annotations

from typing import Any

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["is_bound_to_size"]

_SIZED = frozenset(
    {"RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "RESHAPE", "BROADCAST_TO", "TRANSPOSE_CONV", "TILE"}
)
_SIZED |= {"SLICE", "STRIDED_SLICE"}
_POOLS = frozenset({"AVERAGE_POOL_2D", "MAX_POOL_2D"})
_WITH_WEIGHTS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})
_WINDOW = 9
"""A pooling over more pixels than this a side was made for one size of the image."""


def is_bound_to_size(graph: Graph) -> bool:
    """Whether the graph may not run, or would mean something else, at another size than its own."""
    return any(_is_sized(graph, operator) for operator in graph.operators)


def _is_sized(graph: Graph, operator: Any) -> bool:
    kind = graph.kind(operator)
    if kind in _SIZED:
        return True
    if kind in _POOLS:
        return (
            max(int(operator.builtinOptions.filterWidth), int(operator.builtinOptions.filterHeight)) > _WINDOW
        )
    if kind in _WITH_WEIGHTS:
        return False
    constants = [int(index) for index in operator.inputs if graph.constant(int(index)) is not None]
    return any(len(graph.shape(index)) == 4 and max(graph.shape(index)[1:3]) > 1 for index in constants)
