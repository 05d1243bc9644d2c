"""Recognise PixelShuffle in a converted graph and replace it by one DEPTH_TO_SPACE.

PyTorch's PixelShuffle reads channels colour-major (CRD: channel = colour·r² + row·r + column); LiteRT's
DEPTH_TO_SPACE reads them block-major (DCR: channel = (row·r + column)·colours + colour). The conversion spells the
shuffle as a chain of TRANSPOSE and RESHAPE, in ways that change between versions. So the chain is not matched by its
shapes: it is *run* on an array of indices, and replaced if the result is the shuffle's. The channels are put in DCR
order where they are computed (weights and bias of the convolutions, through element-wise operators and additions),
which costs nothing and is bit-exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["crd_to_dcr", "fold_pixel_shuffle", "permute_channels"]

MOVES = frozenset({"TRANSPOSE", "RESHAPE"})
UNARY = frozenset(
    {"RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "LEAKY_RELU", "TANH", "LOGISTIC", "NEG", "ABS"}
)
BINARY = frozenset({"ADD", "SUB", "MUL", "DIV", "MINIMUM", "MAXIMUM"})


def crd_to_dcr(channels: int, block: int) -> NDArray[np.intp]:
    """Where each DEPTH_TO_SPACE channel comes from in PixelShuffle's order: ``dcr = crd[..., result]``."""
    return np.arange(channels).reshape(channels // block**2, block**2).T.reshape(-1)


def fold_pixel_shuffle(graph: Graph) -> int:
    """Replace every PixelShuffle that is written with TRANSPOSE and RESHAPE; returns their number.

    The result may keep one TRANSPOSE after the DEPTH_TO_SPACE (NHWC to NCHW), which `layout` removes.
    """
    count = 0
    for last in list(graph.operators):
        if graph.kind(last) not in MOVES or not any(op is last for op in graph.operators):
            continue
        chain = _chain(graph, last)
        if sum(graph.kind(op) == "RESHAPE" for op in chain) >= 2 and _fold(graph, chain):
            count += 1
    return count


def _chain(graph: Graph, last: Any) -> list[Any]:
    """The run of TRANSPOSE, RESHAPE and element-wise operators that ends in `last`, first operator first."""
    chain = [last]
    while True:
        before = graph.producer(_moved(graph, chain[0]))
        if before is None or (
            graph.kind(before) not in MOVES and _elementwise_operand(graph, before) is None
        ):
            return chain
        if not graph.only_used_by(int(before.outputs[0]), chain[0]):
            return chain
        chain.insert(0, before)


def _elementwise_operand(graph: Graph, operator: Any) -> int | None:
    """The operand of an operator that works on every element alone (the others are scalar constants), or None."""
    kind, operands = graph.kind(operator), _operands(operator)
    if kind in UNARY:
        return 0
    if kind not in BINARY:
        return None
    values = [graph.constant(index) for index in operands]
    positions = [position for position, value in enumerate(values) if value is None]
    scalars = all(value is None or value.size == 1 for value in values)
    return positions[0] if scalars and len(positions) == 1 else None


def _moved(graph: Graph, operator: Any) -> int:
    """The tensor that an operator of a chain works on."""
    return _operands(operator)[_elementwise_operand(graph, operator) or 0]


def _fold(graph: Graph, chain: list[Any]) -> bool:
    # A longer chain may contain the shuffle at its end: try every place where the operand is NHWC.
    for start in range(len(chain)):
        source, result = _moved(graph, chain[start]), int(chain[-1].outputs[0])
        shape, out = graph.shape(source), graph.shape(result)
        if len(shape) != 4 or len(out) != 4 or shape[0] != 1 or graph.kind(chain[start]) not in MOVES:
            continue
        order = _simulate(graph, chain[start:], np.arange(np.prod(shape), dtype=np.int64).reshape(shape))
        for layout in ("NHWC", "NCHW"):
            block = out[1 if layout == "NHWC" else 2] // shape[1]
            if block < 2 or shape[3] % block**2:
                continue
            expected = _pixel_shuffle(np.arange(order.size).reshape(shape), block)
            if layout == "NCHW":
                expected = expected.transpose(0, 3, 1, 2)
            if expected.shape == order.shape and np.array_equal(order, expected):
                _replace(graph, chain[start:], block, layout)
                return True
    return False


def _simulate(graph: Graph, chain: list[Any], indices: NDArray[np.int64]) -> NDArray[np.int64]:
    for operator in chain:
        if graph.kind(operator) == "RESHAPE":
            indices = indices.reshape(graph.shape(int(operator.outputs[0])))
        elif graph.kind(operator) == "TRANSPOSE":
            permutation = graph.constant(int(operator.inputs[1]))
            assert permutation is not None
            indices = indices.transpose(permutation)
    return indices


def _pixel_shuffle(x: NDArray[Any], block: int) -> NDArray[Any]:
    """PyTorch's PixelShuffle on an NHWC array."""
    batch, height, width, channels = x.shape
    colours = channels // block**2
    split = x.reshape(batch, height, width, colours, block, block)
    return split.transpose(0, 1, 4, 2, 5, 3).reshape(batch, height * block, width * block, colours)


def _replace(graph: Graph, chain: list[Any], block: int, layout: str) -> None:
    source, result = _moved(graph, chain[0]), int(chain[-1].outputs[0])
    batch, height, width, channels = graph.shape(source)
    for operator in chain:  # element-wise operators inside commute with every move: they go in front
        position = _elementwise_operand(graph, operator)
        if position is None:
            graph.remove(operator)
            continue
        operands, output = _operands(operator), graph.add_tensor("before_shuffle", graph.shape(source))
        operands[position] = source
        operator.inputs, operator.outputs = operands, [output]
        source = output
    permuted = permute_channels(graph, source, crd_to_dcr(channels, block))
    enlarged = (batch, height * block, width * block, channels // block**2)
    shuffled = result if layout == "NHWC" else graph.add_tensor("shuffled", enlarged)
    graph.add_operator("DEPTH_TO_SPACE", [permuted], [shuffled], blockSize=block)
    if layout == "NCHW":
        order = graph.add_constant("to_nchw", np.array([0, 3, 1, 2], np.int32))
        graph.add_operator("TRANSPOSE", [shuffled, order], [result])


def permute_channels(graph: Graph, index: int, order: NDArray[np.intp]) -> int:
    """Make the NHWC tensor `index` carry ``channels[order]``; the tensor to read instead (mostly `index` itself).

    Where the channels cannot be reordered at their source, a 1x1 convolution with a permutation matrix is added
    (exact in floating point: one product by 1, the rest by 0).
    """
    if _permutable(graph, index, single_use=False):
        _permute(graph, index, order)
        return index
    channels = len(order)
    weights = np.zeros((channels, 1, 1, channels), np.float32)
    weights[np.arange(channels), 0, 0, order] = 1.0
    result = graph.add_tensor("reordered", graph.shape(index))
    operands = [index, graph.add_constant("reorder", weights)]
    operands.append(graph.add_constant("reorder_bias", np.zeros(channels, np.float32)))
    graph.add_operator(
        "CONV_2D", operands, [result], strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1
    )
    return result


def _operands(operator: Any) -> list[int]:
    return [int(index) for index in operator.inputs]


def _permutable(graph: Graph, index: int, *, single_use: bool = True) -> bool:
    value = graph.constant(index)
    if value is not None:
        return True
    operator = graph.producer(index)
    readers = len(graph.consumers(index)) + (index in graph.outputs)
    if operator is None or readers > (1 if single_use else 0):
        return False
    kind = graph.kind(operator)
    if _is_convolution(graph, operator):
        return all(graph.constant(i) is not None for i in _operands(operator)[1:])
    if kind in UNARY or kind == "DEPTH_TO_SPACE":
        return _permutable(graph, _operands(operator)[0])
    shape = graph.shape(index)
    if kind in BINARY:
        whole = [i for i in _operands(operator) if graph.constant(i) is None]
        return all(graph.shape(i) == shape for i in whole) and all(_permutable(graph, i) for i in whole)
    return False


def _is_convolution(graph: Graph, operator: Any) -> bool:
    """Whether each output channel depends on the whole input: also a depthwise one that reads a single channel."""
    kind = graph.kind(operator)
    single = kind == "DEPTHWISE_CONV_2D" and graph.shape(_operands(operator)[0])[-1] == 1
    return kind == "CONV_2D" or single


def _permute(graph: Graph, index: int, order: NDArray[np.intp]) -> None:
    operator = graph.producer(index)
    assert operator is not None
    kind, operands = graph.kind(operator), _operands(operator)
    if _is_convolution(graph, operator):
        for position in range(1, len(operands)):
            value = graph.constant(operands[position])
            assert value is not None
            # a depthwise kernel has the output channels last, a bias has one axis
            moved = value[order] if kind == "CONV_2D" else value[..., order]
            operands[position] = graph.add_constant(graph.tensor(operands[position]).name, moved)
    elif kind == "DEPTH_TO_SPACE":  # each block of its input holds all its channels
        blocks = np.arange(int(operator.builtinOptions.blockSize) ** 2)[:, None] * len(order)
        _permute(graph, operands[0], (blocks + order).reshape(-1))
    else:
        for position, operand in enumerate(operands):
            value = graph.constant(operand)
            if value is None:
                _permute(graph, operand, order)
            elif value.ndim and value.shape[-1] == len(order):
                operands[position] = graph.add_constant(graph.tensor(operand).name, value[..., order])
    operator.inputs = operands
