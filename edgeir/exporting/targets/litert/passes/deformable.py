"""Write deformable convolutions into a LiteRT graph: rank 4 throughout, no TRANSPOSE, no RESHAPE.

LiteRT has no such operator, but GATHER_ND fetches the pixel at (batch, row, column) with all its channels. The offsets
differ per group of channels and per tap, so groups and taps become **height**: SPLIT along the channels and
CONCATENATION along the height turn (1, H, W, K·n) into (1, K·H, W, n), and the same pair of operators turns the samples
(1, K·H, W, C/G) into the columns (1, H, W, K·C/G), whose 1x1 convolution is the result. K = 9·G; the order is (group,
tap). One index fetches a **quad**: the four neighbours of bilinear sampling, side by side in the channels of a table
with two zero pixels around the image, so that samples outside the image are zero.

Row and column are computed in float32 (exact up to 2^24) and clamped to the table before they become integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.exporting.targets.litert.passes.graph import Graph

__all__ = ["MARK", "expand_deformable"]

MARK = (29, 31)
"""Dilation, rows and columns, of the convolution that stands for a deformable one (`stand_in`)."""


def expand_deformable(graph: Graph) -> int:
    """Replace every stand-in by operators of the format; returns their number."""
    stand_ins = [
        operator
        for operator in graph.operators
        if graph.kind(operator) == "CONV_2D"
        and (operator.builtinOptions.dilationHFactor, operator.builtinOptions.dilationWFactor) == MARK
    ]
    for operator in stand_ins:
        _Writer(graph, operator).write()
    return len(stand_ins)


class _Writer:
    """Writes one deformable convolution in the place of `stand_in`."""

    def __init__(self, graph: Graph, stand_in: Any) -> None:
        self.graph, self.stand_in = graph, stand_in
        joined = graph.producer(int(stand_in.inputs[0]))
        assert joined is not None
        self.x, self.offsets, self.masks = (int(index) for index in joined.inputs)
        _, self.height, self.width, self.channels = graph.shape(self.x)
        self.taps = graph.shape(self.masks)[3]
        self.groups = self.taps // 9

    def write(self) -> None:
        graph, stand_in = self.graph, self.stand_in
        low, weights = self._positions()
        quads = self._gather(self._table(), low)
        corners = self._split(quads, 3, 4)
        total = self._new("MUL", [corners[0], weights[0]])
        for corner, weight in zip(corners[1:], weights[1:], strict=True):
            total = self._new("ADD", [total, self._new("MUL", [corner, weight])])
        columns = self._concatenate(self._split(total, 1, self.taps), 3)
        operands = [columns, graph.add_constant("kernel", self._kernel()), int(stand_in.inputs[2])]
        activation = stand_in.builtinOptions.fusedActivationFunction
        graph.remove(stand_in)
        graph.add_operator(
            "CONV_2D",
            operands,
            [int(stand_in.outputs[0])],
            strideW=1,
            strideH=1,
            dilationWFactor=1,
            dilationHFactor=1,
            fusedActivationFunction=activation,
        )

    def _positions(self) -> tuple[int, list[int]]:
        """Upper left neighbours (1, K·H, W, 3) as (0, row, column), and four weights (1, K·H, W, 1), masks included."""
        moved = self._stack(self.offsets)
        moved = self._pad(moved, [(0, 0), (0, 0), (0, 0), (1, 0)])  # in front of (row, column), the image: 0
        # Where each tap stands without an offset: rows and columns add up, so that no constant has the image's size.
        rows = np.zeros((self.taps, self.height, 1, 3), np.float32)
        rows[..., 1] = np.arange(self.height)[:, None]
        taps = np.tile(np.stack(np.divmod(np.arange(9), 3), 1) - 1, (self.groups, 1))
        rows[..., 1:] += taps[:, None, None]
        columns = np.zeros((1, 1, self.width, 3), np.float32)
        columns[0, 0, :, 2] = np.arange(self.width)
        position = self._add(self._add(moved, rows.reshape(1, -1, 1, 3)), columns)
        low = self._new("FLOOR", [position])
        after = self._new("SUB", [position, low])
        before = self._new("SUB", [self._constant(np.ones((), np.float32)), after])
        (_, y0, x0), (_, y1, x1) = self._split(before, 3, 3), self._split(after, 3, 3)
        masks = self._stack(self.masks)
        upper, lower = self._new("MUL", [y0, masks]), self._new("MUL", [y1, masks])
        weights = [self._new("MUL", [y, x]) for y in (upper, lower) for x in (x0, x1)]
        return low, weights

    def _table(self) -> int:
        """The quads of every group, one group below the other: (1, G·(H + 4) - 1, W + 3, 4·C/G)."""
        padded = self._pad(self.x, [(0, 0), (2, 2), (2, 2), (0, 0)])
        stacked = self._concatenate(self._split(padded, 3, self.groups), 1)
        _, height, width, channels = self.graph.shape(stacked)
        size = (1, height - 1, width - 1, channels)
        quads = []
        for start in ((0, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0), (0, 1, 1, 0)):
            limits = [self._constant(np.array(value, np.int32)) for value in (start, size)]
            quads.append(self._new("SLICE", [stacked, *limits], shape=size))
        return self._concatenate(quads, 3)

    def _gather(self, table: int, low: int) -> int:
        """The quad at each position: (1, K·H, W, 4·C/G)."""
        highest = np.array([0, self.height, self.width], np.float32)
        low = self._new("MINIMUM", [low, self._constant(highest.reshape(1, 1, 1, 3))])
        low = self._new(
            "MAXIMUM", [low, self._constant(np.array([0, -2, -2], np.float32).reshape(1, 1, 1, 3))]
        )
        first = np.zeros((self.groups, 9 * self.height, 1, 3), np.float32)  # of the group in the table
        first[..., 1] = np.arange(self.groups)[:, None, None] * (self.height + 4) + 2
        first[..., 2] = 2
        exact = self._add(low, first.reshape(1, -1, 1, 3))
        position = self.graph.add_tensor("place", self.graph.shape(exact), "INT32")
        self.graph.add_operator("CAST", [exact], [position])
        shape = (*self.graph.shape(position)[:3], self.graph.shape(table)[3])
        return self._new("GATHER_ND", [table, position], shape=shape)

    def _kernel(self) -> NDArray[Any]:
        """(D, 1, 1, 9·C) in the order of the columns: group, tap, channel."""
        weights = self.graph.constant(int(self.stand_in.inputs[1]))
        assert weights is not None
        kernel = weights[..., : self.channels].reshape(len(weights), 9, self.groups, -1)
        return np.ascontiguousarray(kernel.transpose(0, 2, 1, 3)).reshape(len(weights), 1, 1, -1)

    def _stack(self, index: int) -> int:
        """(1, H, W, K·n) to (1, K·H, W, n)."""
        return self._concatenate(self._split(index, 3, self.taps), 1)

    def _split(self, index: int, axis: int, parts: int) -> list[int]:
        if parts == 1:
            return [index]
        shape = list(self.graph.shape(index))
        shape[axis] //= parts
        results = [self.graph.add_tensor("part", shape) for _ in range(parts)]
        where = self._constant(np.array(axis, np.int32))
        self.graph.add_operator("SPLIT", [where, index], results, numSplits=parts)
        return results

    def _concatenate(self, indices: list[int], axis: int) -> int:
        if len(indices) == 1:
            return indices[0]
        shape = list(self.graph.shape(indices[0]))
        shape[axis] = sum(self.graph.shape(index)[axis] for index in indices)
        result = self.graph.add_tensor("joined", shape)
        self.graph.add_operator("CONCATENATION", indices, [result], axis=axis)
        return result

    def _pad(self, index: int, zeros: list[tuple[int, int]]) -> int:
        shape = tuple(s + sum(z) for s, z in zip(self.graph.shape(index), zeros, strict=True))
        return self._new("PAD", [index, self._constant(np.array(zeros, np.int32))], shape=shape)

    def _add(self, index: int, value: NDArray[np.float32]) -> int:
        return self._new("ADD", [index, self._constant(value)])

    def _constant(self, value: NDArray[Any]) -> int:
        return self.graph.add_constant("constant", value)

    def _new(self, kind: str, operands: list[int], *, shape: tuple[int, ...] | None = None) -> int:
        """Append an operator with a new float output, of the shape that its operands broadcast to; the output."""
        shape = shape or np.broadcast_shapes(*(self.graph.shape(index) for index in operands))
        result = self.graph.add_tensor("value", shape)
        self.graph.add_operator(kind, operands, [result])
        return result
