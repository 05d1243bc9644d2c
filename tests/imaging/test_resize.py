"""The bicubic kernel against recorded values and Keys' formula; any window of an enlargement against the whole."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.imaging.resize import downscale, enlarge, resize, upscale


def recorded(seed: int, shape: tuple[int, ...], dtype: type = np.uint8) -> np.ndarray:
    """Noise by integer arithmetic alone, so that it is the same with every version of numpy."""
    count = int(np.prod(shape))
    x = np.arange(count, dtype=np.uint64) * np.uint64(6364136223846793005)
    x += np.uint64(seed * 1442695040888963407 % 2**64)
    x ^= x >> np.uint64(29)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    x ^= x >> np.uint64(32)
    return (x >> np.uint64(64 - 8 * np.dtype(dtype).itemsize)).astype(dtype).reshape(shape)


def digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((17, 23, 3), (31, 9), "e50d15b7c5e8edd9"),
        ((48, 36, 3), (12, 9), "db47f0c18734c617"),
        ((40, 24, 1), (13, 50), "30172030bbba53a0"),
        ((7, 5), (28, 15), "08d96291ba7827c8"),
        ((1, 1, 3), (4, 3), "00aff924c9d12c04"),
        ((64, 48, 3), (21, 16), "ac1c253744aa1148"),
        ((9, 300, 3), (27, 900), "9675e6c8258a68cb"),
    ],
)
def test_resize_gives_the_recorded_values(shape, size, expected) -> None:  # type: ignore[no-untyped-def]
    """Training data and published figures depend on every bit of these."""
    assert digest(resize(recorded(1, shape), size)) == expected


@pytest.mark.parametrize(
    ("scale", "down", "up"),
    [
        (2, "de04113cef1ab958", "dcf1d4e3978d10cf"),
        (3, "c7f22bf7e18f29cc", "fe9c6637dfc52f10"),
        (4, "03d9e8636d3525d5", "5a1ab70e1bb7c062"),
    ],
)
def test_whole_factors_give_the_recorded_values(scale: int, down: str, up: str) -> None:
    assert digest(downscale(recorded(2, (12 * scale, 7 * scale, 3)), scale)) == down
    assert digest(upscale(recorded(3, (13, 19, 3)), scale)) == up


@pytest.mark.parametrize(
    ("scale", "dtype", "whole", "window"),
    [
        (2, np.uint8, "fc8de7c5e6f8fdc1", "6e922be032e52fb8"),
        (2, np.uint16, "68ef544c6ca7279d", "eb030189f8a8604a"),
        (3, np.uint8, "0786cb3b405427f3", "9fcc2b3ad1320145"),
        (3, np.uint16, "91b30444a62b0422", "b2152c6e5d3b857d"),
        (4, np.uint8, "d4276395f7f47219", "3b39f84a8845dece"),
        (4, np.uint16, "cb339ae2ba4d5b39", "e4231be1021af27a"),
    ],
)
def test_enlargement_gives_the_recorded_values(scale, dtype, whole, window) -> None:  # type: ignore[no-untyped-def]
    assert digest(enlarge(recorded(4, (61, 47, 3), dtype), scale)) == whole
    assert digest(enlarge(recorded(5, (61, 47), dtype), scale, (13, 101), (7, 90))) == window


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
