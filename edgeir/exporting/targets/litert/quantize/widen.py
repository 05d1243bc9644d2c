"""Widen ranges that are too narrow for integer kernels.

An integer operator multiplies its sum by a ratio of scales: input times weight over output. XNNPACK refuses a file with
a ratio of 256 or more. A unit that was zero on every calibration image has almost no range; it gets the narrowest one
that its operator can write. A sum also bounds the ratio below: an operand with steps finer than a 1,024th of the sum's
leaves XNNPACK without a word, so its range is widened too (its values are far below one step of the sum).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["widen"]

_LARGEST = 128.0
"""Half of the ratio that XNNPACK refuses, so that rounding a scale does not matter."""
_SMALLEST = 1 / 512
"""Twice the ratio of an addition's operand that XNNPACK refuses."""
_ROUNDS = 4
"""A widened operand may ask for a wider result of another operator; this often at most."""
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def widen(graph: Graph, ranges: dict[str, tuple[float, float]]) -> None:
    """Widen ranges in place, from the input on, until every operator's ratio is one that kernels accept.

    The range of the restored image stays [0, 1].
    """
    for _ in range(_ROUNDS):
        before = dict(ranges)
        for operator in graph.operators:
            _widen_result(graph, operator, ranges)
            if graph.kind(operator) in ("ADD", "SUB"):
                _widen_operands(graph, operator, ranges)
        if ranges == before:
            return


def _widen_result(graph: Graph, operator: Any, ranges: dict[str, tuple[float, float]]) -> None:
    name, scale = graph.name(int(operator.outputs[0])), _product_scale(graph, operator, ranges)
    if scale is not None and name in ranges and name != graph.name(graph.outputs[0]):
        _widen_to(ranges, name, 255 * scale / _LARGEST)


def _widen_operands(graph: Graph, operator: Any, ranges: dict[str, tuple[float, float]]) -> None:
    low, high = ranges.get(graph.name(int(operator.outputs[0])), (0.0, 0.0))
    for index in operator.inputs:
        if graph.producer(int(index)) is not None:
            _widen_to(ranges, graph.name(int(index)), (high - low) * _SMALLEST)


def _widen_to(ranges: dict[str, tuple[float, float]], name: str, needed: float) -> None:
    low, high = ranges.get(name, (0.0, 0.0))
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
