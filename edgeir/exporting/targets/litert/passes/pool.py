"""The border of a max pooling: zeros instead of minus infinity where nothing is negative.

PyTorch pads a max pooling with -inf, which the converter writes as PADV2. XNNPACK takes PAD and no PADV2, and -inf has
no 8 bits. Behind a ReLU a zero is as good: every window holds at least one pixel, and none is below zero.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["is_lowest_padding", "pad_pools_with_zeros"]

_RELUS = frozenset({"RELU", "RELU6", "RELU_0_TO_1", "LOGISTIC"})
_KEEP_SIGN = frozenset({"MAX_POOL_2D", "AVERAGE_POOL_2D", "CONCATENATION", "PAD", "DEPTH_TO_SPACE", "MEAN"})
_DEPTH = 8
"""Operators that are followed back to find out that a tensor has no negative value."""


def pad_pools_with_zeros(graph: Graph) -> int:
    """Replace PADV2 of -inf in front of MAX_POOL_2D by PAD where the tensor has no negative value; how many."""
    replaced = 0
    for pad in list(graph.operators):
        source, result = int(pad.inputs[0]), int(pad.outputs[0])
        if not is_lowest_padding(graph, pad) or not _non_negative(graph, source, _DEPTH):
            continue
        graph.remove(pad)
        graph.add_operator("PAD", [source, int(pad.inputs[1])], [result])
        replaced += 1
    return replaced


def is_lowest_padding(graph: Graph, operator: Any) -> bool:
    """Whether it pads with -inf, and a max pooling is all that reads it."""
    if graph.kind(operator) != "PADV2":
        return False
    value = graph.constant(int(operator.inputs[2]))
    users = graph.consumers(int(operator.outputs[0]))
    lowest = value is not None and bool((value <= np.finfo(np.float32).min).all())
    return lowest and bool(users) and all(graph.kind(user) == "MAX_POOL_2D" for user in users)


def _non_negative(graph: Graph, index: int, depth: int) -> bool:
    value = graph.constant(index)
    if value is not None:
        return bool((value >= 0).all())
    maker = graph.producer(index)
    if maker is None or depth == 0:
        return False
    if graph.kind(maker) in _RELUS:
        return True
    fused = getattr(maker.builtinOptions, "fusedActivationFunction", None)
    if fused in (graph.activation("RELU"), graph.activation("RELU6")):
        return True
    if graph.kind(maker) not in _KEEP_SIGN:
        return False
    data = maker.inputs if graph.kind(maker) == "CONCATENATION" else maker.inputs[:1]
    return all(_non_negative(graph, int(operand), depth - 1) for operand in data)
