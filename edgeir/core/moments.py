"""Mean and variance per channel of something too large to hold, added up window by window.

Each window's own mean and sum of squared deviations are taken in float64 and merged (Chan, Golub and LeVeque,
"Updating formulae and a pairwise algorithm for computing sample variances", 1979): no difference of large sums arises,
and how the image was cut changes the result only in float64's last digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Accumulator", "Moments", "converged"]

TOLERANCE = 0.01
"""Largest change of a mean between two passes, relative to the largest mean of its stage, that counts as converged.

By hand, on a photo of 0.9 megapixels with a trained FDR-Net in tiles of 256: the means of the second pass differ by
0.3 % from those of the first. Largest error of the result, of 255 levels: 0.0007 with the means of the first pass, 2
where every tile uses its own means. An RCAN of ten blocks with random weights: 11.6 levels where every tile uses its
own means, 0.25 with those of the first pass, 0.007 with those of the second."""


@dataclass(frozen=True)
class Moments:
    """Global statistics: mean and variance of every channel over a whole image.

    Attributes:
        mean: (C,) float64.
        variance: (C,) float64, the mean squared deviation (divided by the number of pixels).
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


class Accumulator:
    """Moments of all the windows that were added."""

    def __init__(self) -> None:
        self._count = 0
        self._mean: NDArray[np.float64] = np.zeros(1)
        self._squares: NDArray[np.float64] = np.zeros(1)

    def add(self, features: NDArray[np.floating]) -> None:
        """Add the pixels of (h, w, C), which is not empty; the windows must not overlap."""
        mean = features.mean((0, 1), dtype=np.float64)
        squares = np.square(features - mean).sum((0, 1))  # in float64, like the mean
        self._merge(features.shape[0] * features.shape[1], mean, squares)

    def merge(self, other: Accumulator) -> None:
        """Add everything that was added to `other`."""
        if other._count:
            self._merge(other._count, other._mean, other._squares)

    def _merge(self, count: int, mean: NDArray[np.float64], squares: NDArray[np.float64]) -> None:
        total = self._count + count
        step = mean - self._mean
        self._mean = self._mean + step * (count / total)
        self._squares = self._squares + squares + step**2 * (self._count * count / total)
        self._count = total

    def moments(self) -> Moments:
        """Of everything added so far, which is at least one pixel."""
        assert self._count, "nothing was added"
        return Moments(self._mean, self._squares / self._count)


def converged(before: Sequence[Moments], after: Sequence[Moments]) -> bool:
    """Whether means that only scale features (channel attention) changed by less than `TOLERANCE` between passes."""
    return bool(before) and all(
        float(np.abs(new.mean - old.mean).max()) <= TOLERANCE * float(np.abs(new.mean).max())
        for old, new in zip(before, after, strict=True)
    )
