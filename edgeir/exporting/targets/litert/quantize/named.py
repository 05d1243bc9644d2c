"""The layers that a plan names, in a converted graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.exporting.layers import fingerprint_of
from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["outputs_of"]


def outputs_of(graph: Graph, layers: Mapping[str, NDArray[np.float32]]) -> list[str]:
    """The name of the tensor that each layer computes.

    Args:
        layers: name to `edgeir.exporting.layers.fingerprint_of` the weights.

    Raises:
        ExportError: a layer was merged into another one.
    """
    names = []
    for layer, fingerprint in layers.items():
        made_by = [op for op in graph.operators if _weights_are(graph, op, fingerprint)]
        if len(made_by) != 1:
            raise ExportError(
                f"the layer `{layer}` is not a layer of its own in the converted graph",
                fix="set target.merge_residual to false, or leave the layer out of the plan",
            )
        names.append(graph.name(int(made_by[0].outputs[0])))
    return names


def _weights_are(graph: Graph, operator: Any, fingerprint: NDArray[np.float32]) -> bool:
    if graph.kind(operator) not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return False
    weights = graph.constant(int(operator.inputs[1]))
    return weights is not None and np.array_equal(fingerprint_of(weights), fingerprint)
