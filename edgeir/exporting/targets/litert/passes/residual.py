"""Merge an image-space residual into the convolution it is added to.

``conv(a) + conv(b)`` with equal geometry is one convolution over the concatenated channels. That saves a pass
over the widest tensor of the network for the addition, and in an integer graph it saves two roundings: both
products meet in the 32-bit accumulator.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["merge_added_convolutions"]

GEOMETRY = ("padding", "strideW", "strideH", "dilationWFactor", "dilationHFactor")


def merge_added_convolutions(graph: Graph) -> int:
    """Rewrite every ``ADD(CONV_2D(a), CONV_2D(b))`` as ``CONV_2D(CONCATENATION(a, b))``; how many there were."""
    merged = 0
    for addition in list(graph.operators):
        if graph.kind(addition) == "ADD" and _merge(graph, addition):
            merged += 1
    return merged


def _merge(graph: Graph, addition: Any) -> bool:
    convolutions = [graph.producer(int(index)) for index in addition.inputs]
    first, second = convolutions
    if first is None or second is None or first is second:
        return False
    if not all(_plain(graph, conv, addition) for conv in (first, second)):
        return False
    if any(getattr(first.builtinOptions, f) != getattr(second.builtinOptions, f) for f in GEOMETRY):
        return False
    kernels = [graph.constant(int(conv.inputs[1])) for conv in (first, second)]
    biases = [graph.constant(int(conv.inputs[2])) for conv in (first, second)]
    sources = [int(first.inputs[0]), int(second.inputs[0])]
    shapes = [graph.shape(source) for source in sources]
    if kernels[0].shape[:3] != kernels[1].shape[:3] or shapes[0][:3] != shapes[1][:3]:  # type: ignore[union-attr]
        return False
    joined = graph.add_tensor("joined", (*shapes[0][:3], shapes[0][3] + shapes[1][3]))
    graph.add_operator("CONCATENATION", sources, [joined], axis=3)
    weights = graph.add_constant("joined_weights", np.concatenate(kernels, axis=3))  # type: ignore[arg-type]
    bias = graph.add_constant("joined_bias", biases[0] + biases[1])  # type: ignore[operator]
    options = {field: getattr(first.builtinOptions, field) for field in GEOMETRY}
    activation = addition.builtinOptions.fusedActivationFunction
    graph.add_operator(
        "CONV_2D",
        [joined, weights, bias],
        [int(addition.outputs[0])],
        fusedActivationFunction=activation,
        **options,
    )
    for operator in (addition, first, second):
        graph.remove(operator)
    return True


def _plain(graph: Graph, operator: Any, user: Any) -> bool:
    return (
        graph.kind(operator) == "CONV_2D"
        and len(operator.inputs) == 3
        and all(graph.constant(int(index)) is not None for index in list(operator.inputs)[1:])
        and operator.builtinOptions.fusedActivationFunction == graph.activation("NONE")
        and graph.only_used_by(int(operator.outputs[0]), user)
    )
