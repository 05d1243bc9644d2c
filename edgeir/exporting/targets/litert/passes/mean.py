"""Keep the mean of a large image accurate: one axis after the other.

LiteRT adds all pixels in one float32 accumulator. At 1280x720 that costs four digits: an error of 1e-4 in PPCN's
output, of the same sign over a channel, which is a tint. The mean of the rows' means has short sums only. That second
mean names both axes, of which one is 1 wide: XNNPACK takes a mean over height and width and none over height alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["split_means"]


def split_means(graph: Graph) -> int:
    """Rewrite every MEAN over height and width as a MEAN over width, then one over height; how many there were."""
    split = 0
    for mean in list(graph.operators):
        if graph.kind(mean) == "MEAN" and mean.builtinOptions.keepDims and _axes(graph, mean) == [1, 2]:
            source, result = int(mean.inputs[0]), int(mean.outputs[0])
            batch, height, _, channels = graph.shape(source)
            rows = graph.add_tensor("row_means", (batch, height, 1, channels))
            graph.remove(mean)
            for axes, (before, after) in (([2], (source, rows)), ([1, 2], (rows, result))):
                constant = graph.add_constant("axes", np.array(axes, np.int32))
                graph.add_operator("MEAN", [before, constant], [after], keepDims=True)
            split += 1
    return split


def _axes(graph: Graph, mean: Any) -> list[int]:
    value = graph.constant(int(mean.inputs[1]))
    rank = len(graph.shape(int(mean.inputs[0])))
    return [] if value is None or rank != 4 else sorted(int(axis) % rank for axis in value.reshape(-1))
