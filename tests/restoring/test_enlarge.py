"""Window-wise bicubic enlargement against the whole-image one of the data layer, and against Keys' formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.data.degrade.bicubic import upscale
from edgeir.restoring.enlarge import enlarge


@given(data=st.data(), scale=st.integers(2, 4), height=st.integers(1, 25), width=st.integers(1, 25))
def test_any_window_is_the_matlab_enlargement(
    data: st.DataObject, scale: int, height: int, width: int
) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    whole = upscale(image, scale, "matlab")
    np.testing.assert_array_equal(enlarge(image, scale), whole)
    first = data.draw(st.integers(0, height * scale - 1)), data.draw(st.integers(0, width * scale - 1))
    rows = (first[0], data.draw(st.integers(first[0] + 1, height * scale)))
    columns = (first[1], data.draw(st.integers(first[1] + 1, width * scale)))
    np.testing.assert_array_equal(enlarge(image, scale, rows, columns), whole[slice(*rows), slice(*columns)])


def test_16_bits_by_the_formula() -> None:
    line = np.array([0, 65535, 30000, 100, 7], np.uint16)

    def keys(x: float) -> float:
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0

    mirrored = np.concatenate([line[::-1], line, line[::-1]]).astype(float)
    expected = []
    for place in range(20):
        centre = (place + 0.5) / 4 - 0.5
        value = sum(keys(centre - source) * mirrored[source + 5] for source in range(-5, 10))
        expected.append(min(max(value, 0), 65535))
    found = enlarge(line[None], 4)
    assert found.dtype == np.uint16
    assert found.shape == (4, 20)
    np.testing.assert_allclose(found[0], expected, atol=0.6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_flat_stays_flat_and_one_is_the_identity(dtype: type) -> None:
    flat = np.full((5, 1), np.iinfo(dtype).max - 3, dtype)
    assert (enlarge(flat, 3) == flat[0, 0]).all()
    assert enlarge(flat, 1) is not None
    np.testing.assert_array_equal(enlarge(flat, 1, (1, 4), (0, 1)), flat[1:4])
