"""8-bit weights in a float graph, one scale for each output channel.

Two forms, which need no calibration:

- ``w8``: a DEQUANTIZE stands behind the constant, and the operator computes in float with the weights that it makes.
  Every runtime since TensorFlow 2.7 knows a DEQUANTIZE with a scale per channel; XNNPACK makes the floats once.
- ``dynamic``: the operator reads the integers, and the runtime brings its input to 8 bits as well, on a scale that it
  finds in each image; sums become float again. Only CONV_2D and DEPTHWISE_CONV_2D have that everywhere, so that
  the weights of other operators take the first form.

Biases stay float. Weights are symmetric, rounded half to even: q = round(w / s), s = max |w| of the channel / 127.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.exporting.layers import fingerprint_of
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.half import MULTIPLY_CONSTANTS
from edgeir.quantize.weight_scales import rounded_channels

__all__ = ["store_weights"]

_READ_INTEGERS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})


def store_weights(graph: Graph, *, dynamic: bool, floats: Iterable[NDArray[np.float32]] = ()) -> int:
    """Store the float32 weights of the graph's convolutions and products in 8 bits; how many tensors there were.

    Args:
        floats: layers that stay in float, by `edgeir.exporting.layers.fingerprint_of` their weights.

    Raises:
        ExportError: no operator has constant weights.
    """
    kept = list(floats)
    stored: dict[tuple[int, int, bool], int] = {}
    for operator in list(graph.operators):
        kind = graph.kind(operator)
        index = int(operator.inputs[1]) if kind in MULTIPLY_CONSTANTS else -1
        weights = graph.constant(index)
        if weights is None or graph.dtype(index) != "FLOAT32":
            continue
        if any(np.array_equal(fingerprint_of(weights), one) for one in kept):
            continue
        axis = weights.ndim - 1 if kind == "DEPTHWISE_CONV_2D" else 0
        key = (index, axis, dynamic and kind in _READ_INTEGERS)
        if key not in stored:
            stored[key] = _stored(graph, weights, axis, integers=key[2])
        operator.inputs = [stored[key] if at == 1 else int(old) for at, old in enumerate(operator.inputs)]
    if not stored:
        raise ExportError(
            "no layer has weights that could be stored in 8 bits", fix="choose --precision fp32"
        )
    return len(stored)


def _stored(graph: Graph, weights: NDArray[Any], axis: int, *, integers: bool) -> int:
    """The tensor that an operator reads in place of `weights`."""
    numbers, scale = rounded_channels(weights, axis)
    constant = graph.add_constant("eight_bits", numbers, quantised=(1.0, 0))
    stored = graph.tensor(constant).quantization
    stored.scale, stored.zeroPoint = scale.tolist(), [0] * scale.size
    stored.quantizedDimension = axis
    if integers:
        return constant
    wide = graph.add_tensor("wide", weights.shape)
    graph.add_operator("DEQUANTIZE", [constant], [wide])
    return wide
