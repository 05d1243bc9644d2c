"""Bicubic enlargement of any window of an image, exactly as the whole image would be enlarged.

The filter is that of `edgeir.data.degrade.bicubic` in its ``matlab`` flavour (Keys' kernel, a = -0.5, symmetric
border, rounded after each direction), written for a whole factor: output pixel s·i + p is four input pixels with
weights that depend on the phase p only. So it needs no more memory than the window, takes 16-bit samples too,
and gives the same pixels wherever the window lies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["enlarge"]

Pixels = NDArray[Any]


def enlarge(
    image: Pixels, scale: int, rows: tuple[int, int] | None = None, columns: tuple[int, int] | None = None
) -> Pixels:
    """The part [rows) x [columns) of `image` enlarged by `scale`.

    Args:
        image: HW or HWC, uint8 or uint16.
        rows, columns: first and past-the-last output pixel; the whole side by default.

    Returns:
        The same dtype, (rows, columns[, C]).
    """
    if scale == 1:
        return image[slice(*(rows or (0, None))), slice(*(columns or (0, None)))]
    rows = rows or (0, image.shape[0] * scale)
    columns = columns or (0, image.shape[1] * scale)
    left, right = _needed(columns, scale, image.shape[1])
    upright = _along_rows(image[:, left:right], scale, rows)
    inner = (columns[0] - left * scale, columns[1] - left * scale)
    turned = _along_rows(upright.swapaxes(0, 1), scale, inner)
    return np.ascontiguousarray(turned.swapaxes(0, 1))


def _needed(span: tuple[int, int], scale: int, size: int) -> tuple[int, int]:
    """The input pixels that an output span reads: two beyond it to each side, inside the image."""
    return max(0, span[0] // scale - 2), min(size, (span[1] - 1) // scale + 3)


def _along_rows(image: Pixels, scale: int, span: tuple[int, int]) -> Pixels:
    """Enlarge the first axis; what lies beyond its ends is mirrored (and only read at the image's own border)."""
    size = image.shape[0]
    output = np.arange(*span)
    top = np.iinfo(image.dtype).max
    result = np.zeros((len(output), *image.shape[1:]), np.float32)
    first = output // scale + np.where(output % scale < (scale - 1) / 2, -2, -1)
    for tap in range(4):
        source = first + tap
        weight = _keys(output % scale, source - output // scale, scale).astype(np.float32)
        mirrored = np.mod(source, 2 * size)
        mirrored = np.where(mirrored >= size, 2 * size - 1 - mirrored, mirrored)
        result += weight.reshape(-1, *([1] * (image.ndim - 1))) * image[mirrored]
    np.floor(result + np.float32(0.5), out=result)
    np.clip(result, 0, top, out=result)
    return result.astype(image.dtype)


def _keys(phase: NDArray[np.intp], offset: NDArray[np.intp], scale: int) -> NDArray[np.float64]:
    """Keys' kernel (a = -0.5) between the output's centre and an input pixel `offset` pixels from its own."""
    x = np.abs((phase + 0.5) / scale - 0.5 - offset)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
