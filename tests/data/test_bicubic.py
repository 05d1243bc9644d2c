"""Bicubic resizing against slow independent definitions and the published bicubic rows."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeir.core.errors import DataError
from edgeir.data.degrade.bicubic import Bicubic, downscale, resize, upscale
from edgeir.data.sources.standard import StandardSet


def keys(x):
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def slow_imresize_line(line, out):
    """imresize of one line, straight from its definition in plain Python."""
    n, scale = len(line), out / len(line)
    shrink = min(scale, 1.0)
    result = []
    for i in range(1, out + 1):
        u = i / scale + 0.5 * (1 - 1 / scale)
        total = weight_sum = 0.0
        for j in range(math.floor(u - 2 / shrink) - 1, math.ceil(u + 2 / shrink) + 2):
            weight = shrink * keys(shrink * (u - j))
            mirrored = (j - 1) % (2 * n)
            mirrored = 2 * n - 1 - mirrored if mirrored >= n else mirrored
            total += weight * line[mirrored]
            weight_sum += weight
        result.append(total / weight_sum)
    return result


@pytest.mark.parametrize("out", [3, 4, 6, 24, 36, 48])
def test_matlab_flavour_equals_the_definition(out):
    rng = np.random.default_rng(out)
    image = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    rows = np.apply_along_axis(lambda line: slow_imresize_line(line, out), 0, image.astype(float))
    rows = np.clip(np.floor(rows + 0.5), 0, 255)  # MATLAB keeps the class of its input after each direction
    both = np.apply_along_axis(lambda line: slow_imresize_line(line, out), 1, rows)
    expected = np.clip(np.floor(both + 0.5), 0, 255)
    assert np.abs(resize(image, (out, out)).astype(float) - expected).max() <= 1  # float32 at a rounding edge
    assert (resize(image, (out, out)) == expected).mean() > 0.99


def test_pillow_flavour_is_pillow():
    image = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((6, 4), Image.Resampling.BICUBIC))
    assert np.array_equal(downscale(image, 4, "pillow"), expected)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 4), st.sampled_from(["matlab", "pillow"]))
def test_shapes_and_constant_images(height, width, scale, flavour):
    image = np.full((height, width, 3), 77, np.uint8)
    large = upscale(image, scale, flavour)
    assert large.shape == (height * scale, width * scale, 3)
    assert np.all(large == 77)
    assert np.array_equal(downscale(large, scale, flavour), image)


def test_a_size_that_does_not_divide_is_an_error():
    with pytest.raises(DataError, match="10x12, but both sides must be a multiple of 4"):
        Bicubic(scale=4).degrade(np.zeros((10, 12, 3), np.uint8), np.random.default_rng(0))


PUBLISHED = {
    "Set5": {2: 33.66, 3: 30.39, 4: 28.42},
    "Set14": {2: 30.24, 3: 27.55, 4: 26.00},
    "B100": {2: 29.56, 3: 27.21, 4: 25.96},
}


@pytest.mark.shared
@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_published_bicubic_rows(shared_data, monkeypatch, name, scale):
    monkeypatch.setenv("EDGEIR_DATA", str(shared_data))
    values = []
    for ref in StandardSet(name=name).images():
        luma = np.array([65.481, 128.553, 24.966]) / (219.0 if ref.gray() else 255.0)
        image = ref.load()
        height, width = (side // scale * scale for side in image.shape[:2])
        image = image[:height, :width]
        restored = upscale(downscale(image, scale), scale)
        a, b = (x.astype(float) @ luma for x in (image, restored))
        error = (a - b)[scale:-scale, scale:-scale]
        values.append(10 * np.log10(255**2 / np.mean(error**2)))
    assert np.mean(values) == pytest.approx(PUBLISHED[name][scale], abs=0.02)
