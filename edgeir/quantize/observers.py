"""Observed values of a tensor over the calibration images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Observation"]

BINS = 2048
"""Histogram bins between a tensor's smallest and largest value."""


@dataclass
class Observation:
    """Statistics of one tensor over all calibration images.

    Attributes:
        low, high: smallest and largest value.
        channel_high: largest value per channel (last axis).
        channel_mean: mean per channel.
        counts: `BINS` histogram counts between `low` and `high`.
    """

    low: float
    high: float
    channel_high: NDArray[np.float64]
    channel_mean: NDArray[np.float64]
    counts: NDArray[np.float64]

    @property
    def limits(self) -> tuple[float, float]:
        """The limits of the histogram: far enough apart for `BINS` float32 bins where the tensor is constant."""
        room = BINS * float(np.spacing(np.float32(max(abs(self.low), abs(self.high), 1e-6))))
        return self.low, max(self.high, self.low + room)
