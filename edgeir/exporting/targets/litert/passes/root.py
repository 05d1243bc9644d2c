"""1 / SQRT instead of RSQRT in floating point: XNNPACK takes DIV and SQRT, and RSQRT in its newest versions only."""

from __future__ import annotations

import numpy as np

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["divide_by_roots"]


def divide_by_roots(graph: Graph) -> int:
    """Replace every float RSQRT by DIV(1, SQRT(x)); how many there were."""
    found = [operator for operator in graph.operators if graph.kind(operator) == "RSQRT"]
    for reciprocal in found:
        source, result = int(reciprocal.inputs[0]), int(reciprocal.outputs[0])
        graph.remove(reciprocal)
        root = graph.add_tensor("root", graph.shape(source))
        graph.add_operator("SQRT", [source], [root])
        one = graph.add_constant("one", np.ones((1,) * len(graph.shape(source)), np.float32))
        graph.add_operator("DIV", [one, root], [result])
    return len(found)
