"""Luma, the one channel that gray networks read and give: full-range BT.601, Y = 0.299 R + 0.587 G + 0.114 B.

The full range is taken for every task, because it is what a gray file holds (three equal bytes have themselves as their
luma), what JPEG compresses (JFIF), and what Pillow's mode L is. The luma that super-resolution papers
measure, 16 to 235 of 255 as MATLAB's `rgb2ycbcr` gives it, is the affine map ``16 + 219 Y`` of the same sum, so nothing
is lost by it: `edgeir.benchmarking.quality.evaluate` measures on that scale where the protocol says ``y``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LUMA", "luma_of", "studio", "with_luma"]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R, G and B; they sum to one."""


def luma_of(image: NDArray[Any]) -> NDArray[Any]:
    """(H, W, 3) to (H, W, 1) of the same dtype; integers are rounded to nearest. A gray image is returned as it is."""
    if image.shape[2] == 1:
        return image
    if image.dtype.kind == "f":
        real: NDArray[Any] = (image @ LUMA.astype(image.dtype))[:, :, None]
        return real
    levels: NDArray[Any] = np.rint(image @ LUMA.astype(np.float64)).astype(image.dtype)[:, :, None]
    return levels


def with_luma(rgb: NDArray[np.float32], luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """`rgb`, (H, W, 3), with its luma replaced by `luma`, (H, W, 1); the colour differences stay. Not clipped."""
    result: NDArray[np.float32] = rgb + (luma - luma_of(rgb))
    return result


def studio(luma: NDArray[Any]) -> NDArray[np.float64]:
    """Full-range luma on [0, 1] to BT.601's range of 8 bits on the same scale: 16/255 to 235/255."""
    return (16 + 219 * luma.astype(np.float64)) / 255
