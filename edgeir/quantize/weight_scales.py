"""Scales of symmetric 8-bit weights, one per output channel.

Two rules. ``full`` spreads the largest weight of a channel over 127 steps. ``pairs`` is for kernels that add two
neighbouring products in 16 bits: x86 CPUs without VNNI multiply unsigned activations by signed weights with
VPMADDUBSW, which saturates, so 255 * (w0 + w1) must stay within 32767, or the file gives wrong images there and right
ones elsewhere. The usual answer, 7-bit weights (``reduced``), keeps all pairs within +-128 and costs a bit of every
weight. But only neighbours are added, and neighbours seldom are the two largest weights of a channel: here every
output channel gets the smallest scale with which no pair of neighbours can overflow.

Neighbours are what ONNX Runtime (and oneDNN) packs side by side: the weights of one output channel in the order (row,
column, input channel), two by two, from the beginning of the channel or from that of each position.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST", "LARGEST_PAIR", "WeightRule", "neighbour_sums", "rounded_channels", "weight_scales"]

WeightRule = Literal["pairs", "reduced", "full"]
LARGEST_PAIR = 128
"""|w0 + w1| of two weights of one sign that 255 can multiply within 16 bits."""
LARGEST = 127
"""Of one weight; also of a pair before it is rounded, which adds at most 1/2 to either."""


def weight_scales(weights: NDArray[np.floating[Any]], rule: WeightRule) -> NDArray[np.float32]:
    """Scale of each output channel of (out, in, rows, columns) weights, for symmetric int8."""
    largest = np.abs(weights.reshape(len(weights), -1)).max(1).astype(np.float64)
    if rule == "reduced":
        scale = largest / (LARGEST_PAIR // 2)
    elif rule == "pairs":
        scale = np.maximum(largest, neighbour_sums(weights)) / LARGEST
    else:
        scale = largest / LARGEST
    # A channel of zeros has no scale of its own; one below float32's normal numbers would divide by zero.
    result: NDArray[np.float32] = np.where(scale < np.finfo(np.float32).tiny, 1.0, scale).astype(np.float32)
    return result


def rounded_channels(weights: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Numbers of symmetric 8-bit weights by the rule ``full``, rounded half to even, and the scales along `axis`."""
    others = tuple(at for at in range(weights.ndim) if at != axis)
    largest = np.abs(weights).max(axis=others, keepdims=True).astype(np.float32)
    # A channel of zeros has no scale of its own; one below float32's normal numbers would divide by zero.
    scale = np.where(largest < LARGEST * np.finfo(np.float32).tiny, 1, largest / np.float32(LARGEST))
    numbers = np.clip(np.rint(weights / scale), -LARGEST, LARGEST).astype(np.int8)
    return numbers, scale.astype(np.float32).ravel()


def neighbour_sums(weights: NDArray[Any]) -> NDArray[np.float64]:
    """Largest sum of two neighbouring weights of one sign, per output channel of (out, in, rows, columns) weights."""
    out, channels = weights.shape[:2]
    positions = weights.reshape(out, channels, -1).transpose(0, 2, 1).astype(np.float64)
    orders = [positions.reshape(out, -1)]
    if channels % 2:  # packed position by position, the last channel has no neighbour
        orders.append(np.pad(positions, ((0, 0), (0, 0), (0, 1))).reshape(out, -1))
    result: NDArray[np.float64] = np.max([_pair_sums(order) for order in orders], axis=0)
    return result


def _pair_sums(row: NDArray[np.float64]) -> NDArray[np.float64]:
    pairs = np.pad(row, ((0, 0), (0, row.shape[1] % 2))).reshape(len(row), -1, 2)
    sums = np.maximum(np.maximum(pairs, 0).sum(2), np.maximum(-pairs, 0).sum(2))
    result: NDArray[np.float64] = sums.max(1)
    return result
