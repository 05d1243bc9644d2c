"""Luma: another implementation's, exact on gray, and what a change of luma leaves alone."""

import numpy as np
import pytest
from PIL import Image

from edgeir.imaging.luma import luma_of, studio, with_luma
from edgeir.metrics.conventions import luma


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)


def test_bytes_have_pillows_luma(rgb):
    pillow = np.asarray(Image.fromarray(rgb).convert("L")).astype(int)  # which computes in 16-bit fixed point
    assert np.abs(luma_of(rgb)[:, :, 0] - pillow).max() <= 1


def test_three_equal_bytes_have_themselves_as_their_luma():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert np.array_equal(luma_of(np.repeat(levels, 3, axis=2)), levels)
    assert luma_of(levels) is levels


def test_the_studio_range_is_the_metrics_y(rgb):
    expected = luma(rgb.astype(np.float64))
    assert np.allclose(studio(luma_of(rgb / 255.0))[:, :, 0] * 255, expected, atol=1e-4)


def test_a_new_luma_keeps_the_colour_differences(rgb):
    image = (rgb / 255.0).astype(np.float32)
    wanted = np.random.default_rng(1).random((9, 7, 1), dtype=np.float32)
    changed = with_luma(image, wanted)
    assert np.allclose(luma_of(changed), wanted, atol=1e-6)
    for a, b in ((0, 1), (2, 1)):  # R - G and B - G
        assert np.allclose(changed[:, :, a] - changed[:, :, b], image[:, :, a] - image[:, :, b], atol=1e-6)
