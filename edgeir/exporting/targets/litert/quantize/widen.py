"""Widen ranges that are too narrow for integer kernels.

An integer operator multiplies its sum by a ratio of scales: input times weight over output. XNNPACK refuses a file with
a ratio of 256 or more. A unit that was zero on every calibration image has almost no range; it gets the narrowest one
that its operator can write. A sum also bounds the ratio below: an operand with steps finer than a 1,024th of the sum's
leaves XNNPACK without a word, so its range is widened too (its values are far below one step of the sum).

A bias is a whole number of steps of its input times its weights. ai-edge-quantizer cuts it off at 32 bits, also where
16-bit activations give it 64: behind a layer that puts out zeros only, whose range is hardly any, the bias came out too
small (the zoo's denoiser was 28 dB off).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["widen"]

_LARGEST = 128.0
"""Half of the ratio that XNNPACK refuses, so that rounding a scale does not matter."""
_SMALLEST = 1 / 512
"""Twice the ratio of an addition's operand that XNNPACK refuses."""
_LARGEST_BIAS = 2.0**30
"""In steps of input times weight: half of what 32 bits hold. The zoo's denoiser needs 2^23 where no layer is silent."""
_ROUNDS = 4
"""A widened operand may ask for a wider result of another operator; this often at most."""
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def widen(
    graph: Graph, ranges: dict[str, tuple[float, float]], sixteens: Collection[str] | None = ()
) -> None:
    """Widen ranges in place, from the input on, until every operator's ratio is one that kernels accept.

    The range of the restored image stays [0, 1].

    Args:
        sixteens: outputs that are computed with 16-bit activations; None: all.
    """
    for _ in range(_ROUNDS):
        before = dict(ranges)
        for operator in graph.operators:
            _widen_result(graph, operator, ranges)
            if graph.kind(operator) in ("ADD", "SUB"):
                _widen_operands(graph, operator, ranges)
            wide = sixteens is None or graph.name(int(operator.outputs[0])) in sixteens
            _widen_below_bias(graph, operator, ranges, 65535 if wide else 255)
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


def _widen_below_bias(
    graph: Graph, operator: Any, ranges: dict[str, tuple[float, float]], steps: int
) -> None:
    if graph.kind(operator) not in _WEIGHTED or len(operator.inputs) < 3 or int(operator.inputs[2]) < 0:
        return
    weights, bias = (graph.constant(int(index)) for index in operator.inputs[1:3])
    if weights is None or bias is None or graph.producer(int(operator.inputs[0])) is None:
        return
    along = 3 if graph.kind(operator) == "DEPTHWISE_CONV_2D" else 0
    step = np.abs(weights).max(axis=tuple(axis for axis in range(weights.ndim) if axis != along)) / 127
    largest = float(np.max(np.divide(np.abs(bias), step, where=step > 0, out=np.zeros(bias.shape))))
    _widen_to(ranges, graph.name(int(operator.inputs[0])), steps * largest / _LARGEST_BIAS)


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
