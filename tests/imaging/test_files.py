"""Reading for networks, photos in memory, and unusual pixels."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeir.core.errors import DataError
from edgeir.imaging.files import (
    Photo,
    list_images,
    read_photo,
    read_rgb,
    to_8bit,
    write_photo,
    write_rgb,
)

from .conftest import samples, save


def test_unusual_kinds_of_pixels(tmp_path: Path) -> None:
    colour = Image.fromarray(samples(10, 12, 3))
    palette = colour.quantize(16)
    back = read_photo(save(palette, tmp_path / "p.png"))
    np.testing.assert_array_equal(back.pixels, np.asarray(palette.convert("RGB")))
    clear = read_photo(save(palette, tmp_path / "t.png", transparency=3))
    assert clear.alpha is not None
    np.testing.assert_array_equal(clear.alpha == 0, np.asarray(palette) == 3)
    bits = colour.convert("1")
    np.testing.assert_array_equal(
        read_photo(save(bits, tmp_path / "1.png")).pixels[:, :, 0], np.asarray(bits) * 255
    )
    la = read_photo(save(Image.merge("LA", (colour.convert("L"), colour.getchannel(0))), tmp_path / "la.png"))
    assert la.gray
    np.testing.assert_array_equal(la.alpha, np.asarray(colour)[:, :, 0])
    cmyk = read_photo(save(colour.convert("CMYK"), tmp_path / "c.tif"))
    np.testing.assert_array_equal(cmyk.pixels, np.asarray(colour.convert("CMYK").convert("RGB")))
    gif = read_photo(save(palette, tmp_path / "g.gif"))
    assert gif.format == "GIF"
    np.testing.assert_array_equal(gif.pixels, back.pixels)
    keyed = read_photo(
        save(Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)), tmp_path / "k.png", transparency=5)
    )
    assert keyed.alpha is not None
    np.testing.assert_array_equal(np.flatnonzero(keyed.alpha == 0), [5])


def test_read_rgb_is_8_bit_colour(tmp_path: Path) -> None:
    deep = samples(7, 5, 1, bits=16)
    write_photo(Photo(deep, samples(7, 5, bits=16), bits=16), tmp_path / "a.png")
    pixels = read_rgb(tmp_path / "a.png")
    assert pixels.shape == (7, 5, 3)
    np.testing.assert_array_equal(pixels, np.repeat(np.rint(deep / 257).astype(np.uint8), 3, axis=2))


def test_to_8bit_rounds_to_the_nearest_level() -> None:
    every = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(to_8bit(every), np.rint(every.astype(np.float64) / 257))


def test_write_rgb_takes_gray(tmp_path: Path) -> None:
    pixels = samples(4, 5)
    write_rgb(pixels, tmp_path / "a.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png").pixels[:, :, 0], pixels)


def test_the_main_image_of_a_multi_image_jpeg(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:])
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.format == "JPEG"
    assert photo.pixels[0, 0, 0] > 200


def test_reading_in_threads_leaves_the_filters_alone(tmp_path: Path) -> None:
    write_rgb(samples(60, 60, 3), tmp_path / "a.png")
    before = (list(warnings.filters), Image.MAX_IMAGE_PIXELS)
    errors: list[Exception] = []

    def read() -> None:
        try:
            for _ in range(20):
                read_rgb(tmp_path / "a.png")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert (list(warnings.filters), Image.MAX_IMAGE_PIXELS) == before


def test_photo_checks_its_parts() -> None:
    with pytest.raises(ValueError, match="`pixels` must be HW3 or HW1 of uint16"):
        Photo(samples(3, 3, 3), bits=16)
    with pytest.raises(ValueError, match="`alpha` must be"):
        Photo(samples(3, 3, 3), samples(3, 4))


def test_list_images(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["a.jpg", "b.PNG"]
    with pytest.raises(DataError, match="no such folder"):
        list_images(tmp_path / "none")
    with pytest.raises(DataError, match="is not a folder"):
        list_images(tmp_path / "a.jpg")
