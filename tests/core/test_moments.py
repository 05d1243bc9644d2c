"""Moments that were added up window by window are those of the whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeir.core.moments import Accumulator


@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    cut=st.integers(1, 20),
    offset=st.sampled_from([0.0, 1e3]),
)
def test_parts_add_up_to_the_whole(height, width, cut, offset):
    values = np.random.default_rng(height).normal(offset, 0.1, (height, width, 2)).astype(np.float32)
    total = Accumulator()
    for first in range(0, height, cut):
        for left in range(0, width, 7):
            total.add(values[first : first + cut, left : left + 7])
    found = total.moments()
    exact = values.reshape(-1, 2).astype(np.longdouble)
    np.testing.assert_allclose(found.mean, exact.mean(0).astype(float), rtol=1e-13, atol=1e-15)
    # Sums of squares in float64 would be wrong by 1e-8 of a variance of 0.01 around a mean of 1000.
    np.testing.assert_allclose(found.variance, exact.var(0).astype(float), rtol=1e-10, atol=1e-20)
