"""Observed values of a tensor over the calibration images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "MOMENTUM", "Observation"]

BINS = 2048
"""Histogram bins between a tensor's smallest and largest value."""

MOMENTUM = 0.9
"""Share of the moving average that an image leaves as it is."""


@dataclass
class Observation:
    """Statistics of one tensor over all calibration images.

    Attributes:
        low, high: smallest and largest value.
        channel_high: largest value per channel (last axis).
        channel_mean: mean per channel.
        counts: `BINS` histogram counts between `low` and `high`.
        average: moving average of each image's smallest and largest value, in the order of the images.
    """

    low: float
    high: float
    channel_high: NDArray[np.float64]
    channel_mean: NDArray[np.float64]
    counts: NDArray[np.float64]
    average: tuple[float, float] = (math.nan, math.nan)

    def __post_init__(self) -> None:
        if math.isnan(self.average[0]):
            self.average = (self.low, self.high)

    def follow(self, low: float, high: float) -> None:
        """Take in the smallest and the largest value of a further image."""
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.average = (
            MOMENTUM * self.average[0] + (1 - MOMENTUM) * low,
            MOMENTUM * self.average[1] + (1 - MOMENTUM) * high,
        )

    @property
    def limits(self) -> tuple[float, float]:
        """The limits of the histogram: far enough apart for `BINS` float32 bins where the tensor is constant."""
        room = BINS * float(np.spacing(np.float32(max(abs(self.low), abs(self.high), 1e-6))))
        return self.low, max(self.high, self.low + room)
