"""A SPLIT of which some parts are not read: SLICE the parts that are.

XNNPACK in LiteRT 1.0 refuses a whole file in which a SPLIT has an output that nothing reads.
"""

from __future__ import annotations

import numpy as np

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["slice_partial_splits"]


def slice_partial_splits(graph: Graph) -> int:
    """Replace every SPLIT with an unread output by one SLICE per output that is read; how many there were."""
    replaced = 0
    for split in list(graph.operators):
        if graph.kind(split) != "SPLIT":
            continue
        parts = [int(index) for index in split.outputs]
        read = [graph.consumers(part) != [] or part in graph.outputs for part in parts]
        axis = graph.constant(int(split.inputs[0]))
        if all(read) or axis is None:
            continue
        graph.remove(split)
        source = int(split.inputs[1])
        where = int(axis.reshape(-1)[0]) % len(graph.shape(source))
        start = 0
        for part, used in zip(parts, read, strict=True):
            shape = graph.shape(part)
            if used:
                begin = np.zeros(len(shape), np.int32)
                begin[where] = start
                operands = [
                    graph.add_constant("begin", begin),
                    graph.add_constant("size", np.array(shape, np.int32)),
                ]
                graph.add_operator("SLICE", [source, *operands], [part])
            start += shape[where]
        replaced += 1
    return replaced
