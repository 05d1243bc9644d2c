"""Coarser weight scales where a bias would not fit into 32 bits.

A bias is stored in steps of input scale times weight scale. A channel whose weights are all but zero (an unused unit
that weight decay or pruning shrank) has so fine a weight scale that its bias overflows, and ai-edge-quantizer then
stores the largest 32-bit number: the layer is wrong by the size of the bias.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["fit_biases"]

_MOST_STEPS = 2.0**30
"""Half of the 32-bit range: the sum of products needs room beside the bias."""
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def fit_biases(integer: bytes, reference: Graph) -> bytes:
    """Quantise the weights of such channels again, with the finest scale that lets their bias fit.

    The scale is no finer than 2^-30 of the output's either, so that the kernels' rescaling can express the ratio.

    Args:
        integer: what ai-edge-quantizer made of `reference`; layers that it left in float are not touched.
        reference: the float graph, with its layers in the same order.
    """
    graph = Graph(integer)
    changed = False
    for operator, original in zip(_weighted(graph), _weighted(reference), strict=True):
        bias = reference.constant(int(original.inputs[2])) if len(original.inputs) > 2 else None
        if (
            bias is None
            or graph.dtype(int(operator.inputs[1])) != "INT8"
            or graph.dtype(int(operator.outputs[0])) != "INT8"
        ):
            continue
        changed |= _fit(graph, operator, reference.constant(int(original.inputs[1])), bias)
    return graph.to_bytes() if changed else integer


def _fit(graph: Graph, operator: Any, weights: NDArray[np.float32] | None, bias: NDArray[np.float32]) -> bool:
    stored = graph.tensor(int(operator.inputs[1])).quantization
    scales = np.asarray(stored.scale, np.float64)
    entry, _ = graph.quantisation(int(operator.inputs[0]))
    result, _ = graph.quantisation(int(operator.outputs[0]))
    needed = np.maximum(np.abs(bias.astype(np.float64)), result) / _MOST_STEPS / entry
    if scales.size == 1:
        needed = needed.max(keepdims=True)
    if weights is None or np.all(scales >= needed):
        return False
    coarser = np.maximum(scales, needed).astype(np.float32)
    shape = [1] * weights.ndim
    shape[int(stored.quantizedDimension)] = coarser.size
    quantised = np.clip(np.rint(weights / coarser.reshape(shape)), -127, 127).astype(np.int8)
    steps = entry * coarser.astype(np.float64)
    graph.set_integers(int(operator.inputs[1]), quantised, coarser)
    graph.set_integers(
        int(operator.inputs[2]), np.rint(bias / steps).astype(np.int32), steps.astype(np.float32)
    )
    return True


def _weighted(graph: Graph) -> list[Any]:
    return [operator for operator in graph.operators if graph.kind(operator) in _WEIGHTED]
