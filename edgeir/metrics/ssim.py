"""Structural similarity (Wang et al., "Image quality assessment", IEEE TIP 2004).

An 11x11 Gaussian window of sigma 1.5 that sums to one, biased (population) variances, the valid region only,
C1 = (0.01·255)², C2 = (0.03·255)², no prior downsampling. Of RGB the mean over the three channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import DataError
from edgeir.metrics.conventions import Channel, prepare

__all__ = ["SIGMA", "WINDOW", "gaussian", "similarity", "ssim"]

Samples = NDArray[np.float64]

WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
BLOCK_ROWS = 32
"""Rows of the map computed at once: the intermediates stay in the processor's cache."""


def ssim(
    a: NDArray[Any],
    b: NDArray[Any],
    *,
    channel: Channel,
    crop: int,
    rounding: bool = True,
    clip: bool = True,
    round_y: bool = False,
) -> float:
    """Mean SSIM, 1 for equal images.

    Args:
        a, b: HWC (or HW gray), uint8, or floating point in [0, 1]; the arguments that follow, and their order, are
            explained in `edgeir.metrics.conventions`.

    Raises:
        DataError: the images do not fit each other or the conventions, or a side is under 11 pixels.
    """
    x, y = prepare(a, b, channel=channel, crop=crop, rounding=rounding, clip=clip, round_y=round_y)
    if min(x.shape[1:]) < WINDOW:
        raise DataError(
            f"SSIM needs {WINDOW} pixels a side, the images have {x.shape[1]}x{x.shape[2]} to compare"
        )
    weights = gaussian(WINDOW, SIGMA)
    return float(np.mean([similarity(p, q, weights)[0] for p, q in zip(x, y, strict=True)]))


def gaussian(size: int, sigma: float) -> Samples:
    """`size` samples of a Gaussian around their middle (between two samples when `size` is even), sum 1."""
    x = np.arange(size) - (size - 1) / 2
    weights: Samples = np.exp(-(x**2) / (2 * sigma**2))
    weights /= weights.sum()
    return weights


def similarity(x: Samples, y: Samples, weights: Samples) -> tuple[float, float]:
    """Mean SSIM and mean contrast-structure term of one channel, HW in 8-bit levels, over the valid region."""
    size = len(weights)
    rows, columns = x.shape[0] - size + 1, x.shape[1] - size + 1
    total = structure = 0.0
    for top in range(0, rows, BLOCK_ROWS):
        part = slice(top, min(top + BLOCK_ROWS, rows) + size - 1)
        p, q = x[part], y[part]
        mean_p, mean_q, square, product = _filter(np.stack([p, q, p * p + q * q, p * q]), weights)
        means = mean_p * mean_q
        mean_squares = mean_p * mean_p + mean_q * mean_q
        contrast = (2 * (product - means) + C2) / (square - mean_squares + C2)
        structure += float(contrast.sum())
        total += float((contrast * (2 * means + C1) / (mean_squares + C1)).sum())
    count = rows * columns
    return total / count, structure / count


def _filter(maps: Samples, weights: Samples) -> Samples:
    """(N, H, W) with the separable symmetric window, valid region."""
    return _along(_along(maps, weights, 1), weights, 2)


def _along(maps: Samples, weights: Samples, axis: int) -> Samples:
    size = len(weights)
    length = maps.shape[axis] - size + 1

    def shifted(offset: int) -> Samples:
        return maps[:, offset : offset + length] if axis == 1 else maps[:, :, offset : offset + length]

    result: Samples = np.zeros_like(shifted(0))
    pair = np.empty_like(result)
    for index in range(size // 2):  # the window is symmetric: add the two samples, multiply once
        np.add(shifted(index), shifted(size - 1 - index), out=pair)
        pair *= weights[index]
        result += pair
    if size % 2:
        np.multiply(shifted(size // 2), weights[size // 2], out=pair)
        result += pair
    return result
