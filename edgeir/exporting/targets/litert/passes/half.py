"""Store weights and biases of convolutions in 16 bits: half the file size; the runtime computes in 32 or 16 bits.

The constant becomes float16 and a DEQUANTIZE in front of its readers makes it float32: the form that TensorFlow Lite's
own converter writes, which every runtime since 2020 knows. **Biases as well as weights**: a convolution with float16
weights and a float32 bias is taken by XNNPACK in LiteRT 1.1 to 1.3 and gives NaN or a wrong image without an error;
1.4 to 2.1 leave it to slow kernels.
"""

from __future__ import annotations

import numpy as np

from edgeir.core.errors import ExportError
from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["halve_weights"]

MULTIPLY_CONSTANTS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"})


def halve_weights(graph: Graph) -> None:
    """Replace every float32 weight and bias of a convolution by a DEQUANTIZE of a float16 constant.

    Raises:
        ExportError: a value is beyond what float16 holds.
    """
    halved: dict[int, int] = {}
    for operator in list(graph.operators):
        if graph.kind(operator) not in MULTIPLY_CONSTANTS:
            continue
        for position, index in enumerate(int(index) for index in operator.inputs):
            if index < 0 or graph.dtype(index) != "FLOAT32" or graph.constant(index) is None:
                continue
            if index not in halved:
                halved[index] = _halve(graph, index)
            operator.inputs[position] = halved[index]


def _halve(graph: Graph, index: int) -> int:
    """A float32 tensor, computed from a float16 copy of the constant."""
    value = graph.constant(index)
    assert value is not None
    with np.errstate(over="ignore"):
        half = value.astype(np.float16)
    if not np.isfinite(half).all():
        raise ExportError(
            f"a weight or bias of {float(np.abs(value).max()):.3g} is beyond what float16 holds (65504)",
            fix="choose --precision fp32",
        )
    wide = graph.add_tensor("wide", value.shape)
    graph.add_operator("DEQUANTIZE", [graph.add_constant("half", half)], [wide])
    return wide
