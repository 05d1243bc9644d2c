"""Widen ranges that are too narrow for integer kernels.

An integer operator multiplies its sum by a ratio of scales: input times weight over output. XNNPACK refuses a file with
a ratio of 256 or more. A unit that was zero on every calibration image has almost no range; it gets the narrowest one
that its operator can write.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["widen"]

_LARGEST = 128.0
"""Half of the ratio that XNNPACK refuses, so that rounding a scale does not matter."""
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def widen(graph: Graph, ranges: dict[str, tuple[float, float]]) -> None:
    """Widen ranges in place, from the input on, until every operator's ratio is one that kernels accept.

    The range of the restored image stays [0, 1].
    """
    restored = graph.name(graph.outputs[0])
    for operator in graph.operators:
        name = graph.name(int(operator.outputs[0]))
        scale = _product_scale(graph, operator, ranges)
        if scale is None or name not in ranges or name == restored:
            continue
        low, high = ranges[name]
        needed = 255 * scale / _LARGEST
        if 0 < high - low < needed:
            factor = needed / (high - low)
            ranges[name] = (low * factor, high * factor)


def _product_scale(graph: Graph, operator: Any, ranges: dict[str, tuple[float, float]]) -> float | None:
    """The scale of the operator's sums or products, before they are rescaled to the output's; None: it has none."""
    scales = [
        (high - low) / 255
        for low, high in (
            ranges.get(graph.name(int(index)), (0.0, 0.0)) for index in operator.inputs if int(index) >= 0
        )
    ]
    kind = graph.kind(operator)
    if kind in _WEIGHTED:
        weights = graph.constant(int(operator.inputs[1]))
        return None if weights is None else scales[0] * float(np.abs(weights).max()) / 127
    if kind in ("ADD", "SUB"):
        return max(scales)
    if kind == "MUL":
        return scales[0] * scales[1]
    return None
