"""Mean over seeds and its 95 % confidence interval, by Student's t-distribution.

With n runs of standard deviation s the interval is mean ± t s / sqrt(n), where t is the 97.5 % quantile of Student's
distribution with n - 1 degrees of freedom: 12.7 for two seeds, 4.30 for three, 2.78 for five. Three seeds say little,
and the interval shows it; a bare standard deviation does not.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from edgeir.core.config import Config

__all__ = ["INTERVAL", "Spread", "spread", "with_interval"]

INTERVAL = "± is the half-width of the 95 % Student-t interval over the seeds"
"""The caption of a table with such figures."""
QUANTILE = 0.975
SMALLEST = 1e-6
"""Below this, runs are equal but for rounding."""


class Spread(Config):
    """Statistics of repeated runs."""

    mean: float
    std: float
    """Standard deviation of the sample; 0 for one run."""
    min: float
    max: float
    ci95: float | None
    """Half-width of the 95 % interval of the mean; None for one run, which has none."""


def spread(values: Sequence[float]) -> Spread:
    """Mean, standard deviation, smallest, largest and 95 % interval of at least one value."""
    if not values:
        raise ValueError("a spread needs at least one value")
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    interval = None
    if len(values) > 1:
        from scipy import stats  # takes a second to import

        quantile = float(stats.t.ppf(QUANTILE, len(values) - 1))
        interval = quantile * deviation / math.sqrt(len(values))
    return Spread(
        mean=statistics.fmean(values), std=deviation, min=min(values), max=max(values), ci95=interval
    )


def with_interval(values: Sequence[float], *, digits: int = 2, sign: bool = False) -> str:
    """``27.10 ± 0.03``, the mean and its 95 % interval; the mean alone of one value, or of equal ones.

    More digits than asked for where the interval would read 0.00 without being zero.

    Args:
        digits: decimals.
        sign: write a plus before a positive mean.
    """
    summary = spread(values)
    half = None if summary.ci95 is None or summary.ci95 < SMALLEST else summary.ci95
    if half is not None:
        digits = max(digits, math.ceil(-math.log10(2 * half)))
    mean = f"{summary.mean:{'+' if sign else ''}.{digits}f}"
    return mean if half is None else f"{mean} ± {half:.{digits}f}"
