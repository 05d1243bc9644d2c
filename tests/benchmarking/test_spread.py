"""The interval over seeds against tables of Student's distribution, and what is printed of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.benchmarking.spread import spread, with_interval

T_975 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 10: 2.262}
"""From a printed table, by the number of runs."""


@pytest.mark.parametrize(("runs", "quantile"), T_975.items())
def test_the_interval_is_that_of_the_table(runs, quantile):
    values = list(np.random.default_rng(runs).normal(27, 0.1, runs))
    found = spread(values)
    deviation = np.std(values, ddof=1)
    assert found.std == pytest.approx(deviation)
    assert found.ci95 == pytest.approx(quantile * deviation / math.sqrt(runs), rel=1e-3)
    assert (found.min, found.max) == (min(values), max(values))


def test_nineteen_of_twenty_intervals_hold_the_truth():
    rng = np.random.default_rng(0)
    hits = sum(
        abs(found.mean - 5) <= found.ci95
        for found in (spread(list(rng.normal(5, 1, 3))) for _ in range(2000))
    )
    assert 0.93 < hits / 2000 < 0.97


def test_one_run_has_no_interval():
    assert spread([3.0]).ci95 is None
    assert with_interval([3.0]) == "3.00"
    assert with_interval([3.0], sign=True) == "+3.00"


def test_what_is_printed():
    assert with_interval([1.0, 2.0, 3.0]) == "2.00 ± 2.48"
    assert with_interval([1.0, 2.0, 3.0], digits=3, sign=True) == "+2.000 ± 2.484"
    assert with_interval([0.1, 0.1002, 0.0998], sign=True) == "+0.1000 ± 0.0005"
    assert with_interval([5.0, 5.0]) == with_interval([5.0, 5.0 + 1e-12]) == "5.00"  # equal runs


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=6))
def test_an_interval_that_is_not_zero_does_not_read_as_zero(values):
    found = spread(values)
    mean, _, half = with_interval(values).partition(" ± ")
    assert float(mean) == pytest.approx(found.mean, abs=0.0051)
    if found.ci95 > 1e-6:
        assert float(half) > 0
        digits = len(half.partition(".")[2])
        assert float(half) == pytest.approx(found.ci95, abs=0.501 * 10**-digits)
    else:
        assert not half
