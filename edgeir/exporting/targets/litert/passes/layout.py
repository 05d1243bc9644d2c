"""Move TRANSPOSE operators through the graph until they meet and cancel.

The converter wraps what it has no NHWC form for (means, paddings, element-wise operators behind a shuffle) in
NHWC to NCHW and back. A TRANSPOSE commutes with each of these once their constants (axes, paddings, per-channel
values) are permuted, so it is pushed towards the outputs until it meets its inverse.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.shuffle import BINARY, UNARY

_UNARY = UNARY | {"GELU", "EXP", "LOG", "SQRT", "RSQRT", "SQUARE", "HARD_SWISH", "ELU"}
_BY_AXIS = {"PAD": 1, "PADV2": 1, "MIRROR_PAD": 1, "SLICE": 2}
"""Operators with one row of settings per axis, and how many such operands they have."""

__all__ = ["cancel_transposes", "write_reshapes_as_transposes"]


def cancel_transposes(graph: Graph) -> None:
    """Push every rank-4 TRANSPOSE down and cancel inverse pairs, until nothing changes."""
    while _step(graph):
        pass
    graph.prune()  # what is left of a pair would count as a reader


def write_reshapes_as_transposes(graph: Graph) -> int:
    """Write every RESHAPE that changes the layout of one channel as the TRANSPOSE that it is; how many there were.

    The converter writes (1, 1, H, W) to (1, H, W, 1) and back as RESHAPE, as the order of the values is the same.
    Run it after pixel shuffles were recognised, whose chains hold such a RESHAPE.
    """
    changed = 0
    for reshape in list(graph.operators):
        if graph.kind(reshape) != "RESHAPE":
            continue
        source, result = int(reshape.inputs[0]), int(reshape.outputs[0])
        order = _layout_change(graph.shape(source), graph.shape(result))
        if order is not None:
            graph.remove(reshape)
            constant = graph.add_constant("order", np.array(order, np.int32))
            graph.add_operator("TRANSPOSE", [source, constant], [result])
            changed += 1
    return changed


def _layout_change(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[int, ...] | None:
    if len(before) != 4 or len(after) != 4 or before[0] != after[0]:
        return None
    if before[1] == after[3] == 1 and before[2:] == after[1:3]:
        return (0, 2, 3, 1)
    if before[3] == after[1] == 1 and before[1:3] == after[2:]:
        return (0, 3, 1, 2)
    return None


def _step(graph: Graph) -> bool:
    for transpose in graph.operators:
        if graph.kind(transpose) != "TRANSPOSE":
            continue
        order = _order(graph, transpose)
        if order == tuple(range(len(order))):
            graph.replace_uses(int(transpose.outputs[0]), int(transpose.inputs[0]))
            graph.remove(transpose)
            return True
        for user in graph.consumers(int(transpose.outputs[0])):
            if _push(graph, transpose, order, user):
                return True
    return False


def _order(graph: Graph, transpose: Any) -> tuple[int, ...]:
    value = graph.constant(int(transpose.inputs[1]))
    assert value is not None
    return tuple(int(axis) for axis in value)


def _push(graph: Graph, transpose: Any, order: tuple[int, ...], user: Any) -> bool:
    """Make `user` read the untransposed tensor and transpose its result instead."""
    kind = graph.kind(user)
    source, moved = int(transpose.inputs[0]), int(transpose.outputs[0])
    if kind == "TRANSPOSE":
        combined = np.array([order[axis] for axis in _order(graph, user)], np.int32)
        user.inputs = [source, graph.add_constant("order", combined)]
        return True
    operands = [int(index) for index in user.inputs]
    if kind in _UNARY:
        operands[0] = source
    elif kind in BINARY:
        replaced = [_untransposed(graph, index, order) for index in operands]
        if any(index is None for index in replaced):
            return False
        operands = [index for index in replaced if index is not None]
    elif kind == "MEAN" and user.builtinOptions.keepDims:
        axes = graph.constant(operands[1])
        assert axes is not None
        new_axes = np.array([order[int(axis) % len(order)] for axis in axes.reshape(-1)], np.int32)
        operands = [source, graph.add_constant("axes", np.sort(new_axes))]
    elif kind == "CONCATENATION":
        replaced = [_untransposed(graph, index, order) for index in operands]
        if any(index is None for index in replaced):
            return False
        operands = [index for index in replaced if index is not None]
        user.builtinOptions.axis = order[int(user.builtinOptions.axis) % len(order)]
    elif kind in _BY_AXIS:
        operands[0] = source
        for position in range(1, 1 + _BY_AXIS[kind]):
            settings = graph.constant(operands[position])
            if settings is None:
                return False
            moved_settings = np.empty_like(settings)
            moved_settings[list(order)] = settings
            operands[position] = graph.add_constant("settings", moved_settings)
    else:
        return False
    old = int(user.outputs[0])
    shape = [0] * len(order)
    for position, axis in enumerate(order):
        shape[axis] = graph.shape(old)[position]
    new = graph.add_tensor(graph.tensor(old).name, shape)
    user.inputs, user.outputs = operands, [new]
    graph.add_operator("TRANSPOSE", [new, graph.add_constant("order", np.array(order, np.int32))], [old])
    if not graph.consumers(moved) and moved not in graph.outputs:
        graph.remove(transpose)
    return True


def _untransposed(graph: Graph, index: int, order: tuple[int, ...]) -> int | None:
    """The tensor whose transposition by `order` is `index`; None where it would need a further operator."""
    value = graph.constant(index)
    if value is not None:
        if value.size == 1 or value.ndim != len(order):
            return index if value.size == 1 else None
        return graph.add_constant(graph.tensor(index).name, value.transpose(np.argsort(order)))
    operator = graph.producer(index)
    if operator is not None and graph.kind(operator) == "TRANSPOSE" and _order(graph, operator) == order:
        return int(operator.inputs[0])
    return None
