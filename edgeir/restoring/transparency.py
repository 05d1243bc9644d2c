"""Images with an alpha channel: colours for pixels that are fully transparent.

Under an alpha of zero a file may hold any colour, usually black, which would give a dark rim inside the edge of a
sprite. So those colours are replaced: by that of the nearest visible pixel wherever a visible result depends on them,
and by the mean of the visible pixels elsewhere. The colours under an alpha of zero therefore do not change the visible
result. Alpha itself is enlarged bicubically, without the network.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from edgeir.imaging.files import Photo
from edgeir.imaging.resize import enlarge

__all__ = ["bleed", "enlarged_alpha"]

STRIP = 64
"""Fewest rows handled at once: what is computed on the way takes little memory."""

KERNEL_REACH = 2
"""Pixels that bicubic enlargement reads on each side: visible alpha spreads that far beyond visible pixels."""


def bleed(photo: Photo, radius: int) -> NDArray[Any]:
    """The photo's pixels with colours under an alpha of zero, as a copy; the pixels themselves where there is no such.

    Args:
        radius: pixels of the photo that a result's pixel depends on, to each side.

    Returns:
        (H, W, C) of the photo's dtype. Where alpha is zero everywhere nothing is replaced.
    """
    alpha = photo.alpha
    if alpha is None or alpha.all() or not alpha.any():
        return photo.pixels
    pixels = photo.pixels.copy()
    mean = _mean(photo.pixels, alpha)
    reach = math.ceil(
        math.sqrt(2) * (radius + KERNEL_REACH)
    )  # distances are Euclidean, the radius is along the sides
    strip = max(STRIP, 2 * reach)  # each needs `reach` rows more above and below
    for first in range(0, len(pixels), strip):
        last = min(first + strip, len(pixels))
        top, bottom = max(0, first - reach), min(len(pixels), last + reach)
        hidden = alpha[top:bottom] == 0
        inner = hidden[first - top : last - top]
        if not inner.any():
            continue
        if hidden.all():
            pixels[first:last] = mean
            continue
        row, column = (
            where[first - top : last - top][inner]
            for where in ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
        )
        rows, columns = np.nonzero(inner)
        near = (row - (rows + first - top)) ** 2 + (column - columns) ** 2 <= reach**2
        nearest = photo.pixels[top:bottom][row, column]
        pixels[first:last][inner] = np.where(near[:, None], nearest, mean)
    return pixels


def _mean(pixels: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """The mean colour of the visible pixels, (C,) of the dtype of `pixels`."""
    total, count = np.zeros(pixels.shape[2]), 0
    for first in range(0, len(pixels), STRIP):
        seen = alpha[first : first + STRIP] > 0
        total += pixels[first : first + STRIP][seen].sum(0, dtype=np.float64)
        count += int(seen.sum())
    return np.rint(total / count).astype(pixels.dtype)


def enlarged_alpha(photo: Photo, scale: int) -> NDArray[Any] | None:
    """The alpha channel, (H * scale, W * scale) of the same dtype, or None where the photo has none."""
    if photo.alpha is None or scale == 1:
        return photo.alpha
    alpha = np.empty((photo.height * scale, photo.width * scale), photo.alpha.dtype)
    for first in range(0, len(alpha), STRIP * scale):  # in strips: the intermediate is floating point
        last = min(first + STRIP * scale, len(alpha))
        alpha[first:last] = enlarge(photo.alpha, scale, (first, last))
    return alpha
