"""Keep means over the whole image, and over the channels, in four dimensions.

The converter writes the mean over height and width as MEAN to (1, C), that over the channels (of a layer normalisation)
as MEAN to (1, H, W), and restores the rank with RESHAPE where it must. Kept as (1, 1, 1, C) and (1, H, W, 1) they have
the layout of the tensors around them, and no RESHAPE is needed.
"""

from __future__ import annotations

from typing import Any

from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.shuffle import BINARY, UNARY

__all__ = ["keep_mean_rank"]

_ELEMENTWISE = BINARY | UNARY | {"RSQRT", "SQRT", "SQUARE"}


def keep_mean_rank(graph: Graph) -> int:
    """Give every MEAN of one image over height and width, or over channels, a result of rank 4; how many there were.

    A mean stays as it is where something other than element-wise operators and RESHAPE to rank 4 reads it.
    """
    kept = 0
    for mean in list(graph.operators):
        if graph.kind(mean) != "MEAN" or mean.builtinOptions.keepDims or not _reduces(graph, mean):
            continue
        before = graph.shape(int(mean.outputs[0]))
        after = (1, 1, *before) if len(before) == 2 else (*before, 1)
        flat: list[int] = []
        reshapes: list[Any] = []
        if _collect(graph, int(mean.outputs[0]), before, after, flat, reshapes):
            mean.builtinOptions.keepDims = True
            for index in flat:
                graph.tensor(index).shape = list(after)
            for reshape in reshapes:
                graph.replace_uses(int(reshape.outputs[0]), int(reshape.inputs[0]))
                graph.remove(reshape)
            kept += 1
    return kept


def _reduces(graph: Graph, mean: Any) -> bool:
    """Whether it is a mean over height and width, or over channels, of one image."""
    axes, shape = graph.constant(int(mean.inputs[1])), graph.shape(int(mean.inputs[0]))
    if axes is None or len(shape) != 4 or shape[0] != 1:
        return False
    return sorted(int(axis) % 4 for axis in axes.reshape(-1)) in ([1, 2], [3])


def _collect(
    graph: Graph,
    index: int,
    before: tuple[int, ...],
    after: tuple[int, ...],
    flat: list[int],
    reshapes: list[Any],
) -> bool:
    """Note the tensors of shape `before` that follow from tensor `index`, and the RESHAPEs to `after` that end them."""
    if len(graph.shape(index)) != len(before) or index in flat:
        return True  # broadcast into the image's own shape, which stays, or known
    if graph.shape(index) != before:
        return False
    flat.append(index)
    if index in graph.outputs:
        return False
    for user in graph.consumers(index):
        kind, result = graph.kind(user), int(user.outputs[0])
        if kind == "RESHAPE" and graph.shape(result) == after:
            reshapes.append(user)
        elif (
            kind not in _ELEMENTWISE
            or not _others_fit(graph, user, before, flat)
            or not _collect(graph, result, before, after, flat, reshapes)
        ):
            return False
    return True


def _others_fit(graph: Graph, user: Any, before: tuple[int, ...], flat: list[int]) -> bool:
    """Whether what else `user` reads keeps its meaning beside a tensor of rank 4: the trailing axes of (1, C) stay
    where they are, those of (1, H, W) move, so only single values and tensors that move too may stand beside it."""
    if len(before) == 2:
        return True
    others = [int(index) for index in user.inputs if int(index) not in flat]
    return all(graph.constant(index) is not None and graph.constant(index).size == 1 for index in others)  # type: ignore[union-attr]
