"""PNG files, read back by libpng (through imagecodecs) and by Pillow."""

import io

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeir.imaging import png
from edgeir.imaging.png import write_png


def written(samples, **more):
    stream = io.BytesIO()
    write_png(stream, samples, **more)
    return stream.getvalue()


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.integers(1, 4),
    dtype=st.sampled_from([np.uint8, np.uint16]),
    strip=st.integers(1, 400),
)
def test_any_size_depth_and_number_of_strips_is_read_back(height, width, channels, dtype, strip):
    rng = np.random.default_rng(height * 41 + width)
    samples = rng.integers(0, np.iinfo(dtype).max + 1, (height, width, channels), dtype=dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(png, "_STRIP_BYTES", strip)
        read = imagecodecs.png_decode(written(samples))
    assert read.dtype == dtype
    assert np.array_equal(read.reshape(samples.shape), samples)


def test_a_photo_of_many_strips_is_smaller_than_its_samples_and_read_by_pillow():
    ramp = np.linspace(0, 255, 1800 * 1500).reshape(1800, 1500, 1).astype(np.uint8)
    samples = np.repeat(ramp, 3, axis=2)
    data = written(samples)
    assert data.count(b"IDAT") > 5
    assert len(data) < samples.nbytes / 20
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), samples)


def test_further_chunks_come_before_the_pixels():
    chunk = png.png_chunk(b"tEXt", b"Title\0sea")
    data = written(np.zeros((2, 3, 3), np.uint8), before_pixels=chunk)
    assert data.index(chunk) < data.index(b"IDAT")
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.info["Title"] == "sea"


def test_a_view_that_is_not_contiguous():
    samples = np.random.default_rng(0).integers(0, 256, (8, 9, 4), dtype=np.uint8)[:, ::2, :3]
    assert np.array_equal(imagecodecs.png_decode(written(samples)), samples)
