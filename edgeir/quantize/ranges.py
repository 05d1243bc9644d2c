"""From the observed values of a tensor to the range that its 8 bits cover."""

from __future__ import annotations

from typing import Literal

import numpy as np

from edgeir.quantize.observers import BINS, Observation

__all__ = ["IMAGE", "RangeRule", "activation_range"]

IMAGE = (1 / 255, -128)
"""Scale and zero point of an image in [0, 1], 8 bits."""
RangeRule = Literal["minmax", "average", "percentile", "mse"]

PERCENTILE = 99.99
"""`percentile`: this share of the values lies inside the range (the rest is shared by both ends)."""
STEPS = 100
"""`mse`: how many clipping points are tried."""


def activation_range(seen: Observation, rule: RangeRule) -> tuple[float, float]:
    """The (low, high) that 8 bits should span; always contains 0.

    - ``minmax``: everything that was seen.
    - ``average``: the moving average of each image's ends (Jacob et al., "Quantization and Training of Neural Networks
      for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 3.1; `observers.MOMENTUM`).
    - ``percentile``: `PERCENTILE` of what was seen.
    - ``mse``: the clipping that makes the sum of rounding and clipping error smallest on the histogram.
    """
    low, high = seen.average if rule == "average" else (seen.low, seen.high)
    low, high = min(low, 0.0), max(high, 0.0)
    if rule in ("minmax", "average") or high <= low:
        return low, max(high, low + 1e-6)
    edges = np.linspace(*seen.limits, BINS + 1)
    centres, weights = (edges[:-1] + edges[1:]) / 2, seen.counts / max(seen.counts.sum(), 1.0)
    width = float(edges[1] - edges[0])
    if rule == "percentile":
        outside = (1 - PERCENTILE / 100) / (2 if low < 0 else 1)
        cumulative = np.cumsum(weights)
        top = float(edges[min(int(np.searchsorted(cumulative, 1 - outside)) + 1, BINS)])
        bottom = float(edges[int(np.searchsorted(cumulative, outside))]) if low < 0 else 0.0
        return min(bottom, 0.0), max(top, 1e-6)
    best, chosen = np.inf, (low, high)
    for fraction in np.linspace(1 / STEPS, 1.0, STEPS):
        bottom, top = low * fraction, high * fraction
        step = max(top - bottom, 1e-9) / 255
        clipped = np.clip(centres, bottom, top)
        rounded = np.rint((clipped - bottom) / step) * step + bottom if step > width else clipped
        error = float(np.sum(weights * ((centres - rounded) ** 2)))
        if step <= width:  # finer than the histogram: the rounding error of a uniform distribution
            error += step**2 / 12 * float(weights[(centres > bottom) & (centres < top)].sum())
        if error < best:
            best, chosen = error, (float(bottom), float(top))
    return chosen
