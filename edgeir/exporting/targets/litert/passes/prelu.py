"""Recognise PReLU in a converted graph and write it as one PRELU.

The converter spells it relu(x) - w · relu(-x): RELU, two MUL and a SUB, four passes over the features where phones have
one operator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["fuse_prelu"]


def fuse_prelu(graph: Graph) -> int:
    """Replace every RELU(x) - MUL(RELU(MUL(x, -1)), w) with a constant w per channel by PRELU; how many there were."""
    fused = 0
    for subtraction in list(graph.operators):
        if graph.kind(subtraction) != "SUB" or _active(subtraction):
            continue
        source, slope = _matched(graph, subtraction)
        if source is None or slope is None:
            continue
        channels = graph.shape(source)[-1]
        if slope.size not in (1, channels) or (slope.size > 1 and slope.shape[-1] != channels):
            continue
        result = int(subtraction.outputs[0])
        graph.remove(subtraction)
        weights = np.broadcast_to(slope.reshape(-1), (channels,)).astype(np.float32).reshape(1, 1, channels)
        graph.add_operator("PRELU", [source, graph.add_constant("slope", weights.copy())], [result])
        fused += 1
    graph.prune()
    return fused


def _matched(graph: Graph, subtraction: Any) -> tuple[int | None, NDArray[Any] | None]:
    """The operand and the slopes of the PReLU that ends in `subtraction`."""
    positive, scaled = (graph.producer(int(index)) for index in subtraction.inputs)
    if positive is None or graph.kind(positive) != "RELU" or scaled is None:
        return None, None
    slope, negative = _product(graph, scaled)
    if slope is None or negative is None or _active(scaled):
        return None, None
    flipped = graph.producer(negative)
    if flipped is not None and graph.kind(flipped) == "RELU":  # the rectifier may stand alone
        inner = graph.producer(int(flipped.inputs[0]))
        rectified = True
    else:
        inner, rectified = flipped, flipped is not None and _active(flipped) == graph.activation("RELU")
    if inner is None or not rectified:
        return None, None
    minus, source = _product(graph, inner)
    if graph.kind(inner) == "NEG":
        minus, source = np.array(-1.0), int(inner.inputs[0])
    same = source == int(positive.inputs[0])
    return (source, slope) if same and minus is not None and (minus == -1).all() else (None, None)


def _product(graph: Graph, operator: Any) -> tuple[NDArray[Any] | None, int | None]:
    """(constant, other operand) of a MUL by a constant."""
    if graph.kind(operator) != "MUL":
        return None, None
    first, second = (int(index) for index in operator.inputs)
    for constant, other in ((first, second), (second, first)):
        if (value := graph.constant(constant)) is not None:
            return value, other
    return None, None


def _active(operator: Any) -> int:
    return int(getattr(operator.builtinOptions, "fusedActivationFunction", 0) or 0)
