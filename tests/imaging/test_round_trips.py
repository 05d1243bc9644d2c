"""What survives a round trip through a file, and what a format that cannot hold an image says."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from edgeir.core.errors import ImageError, OutputError
from edgeir.imaging.files import (
    WRITE_SUFFIXES,
    Photo,
    read_photo,
    write_photo,
    write_rgb,
)
from edgeir.imaging.photo import clean_exif

from .conftest import EXIF_DETAILS, GRAY, SRGB, exif, samples, tags


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_png_and_tiff_keep_everything(
    tmp_path: Path, bits: int, channels: int, alpha: bool, suffix: str
) -> None:
    photo = Photo(
        samples(13, 17, channels, bits=bits),
        samples(13, 17, bits=bits, seed=1) if alpha else None,
        SRGB if channels == 3 else GRAY,
        clean_exif(exif()),
        bits,
    )
    write_photo(photo, tmp_path / f"a{suffix}")
    back = read_photo(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(back.pixels, photo.pixels)
    assert back.pixels.dtype == photo.pixels.dtype
    assert (back.alpha is None) == (photo.alpha is None)
    if photo.alpha is not None:
        np.testing.assert_array_equal(back.alpha, photo.alpha)
    assert back.icc == photo.icc
    assert back.bits == bits
    main, details, gps = tags(back.exif)
    assert main[0x010F] == "Maker"
    assert main[0x8298] == "somebody"
    assert main[0x0112] == 1
    assert details[0x9003] == "2020:01:01 00:00:00"
    assert (details[0xA002], details[0xA003]) == (17, 13)  # the size of these pixels, not of the old ones
    assert gps[2] == (1.0, 2.0, 3.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a{suffix}"]


def test_files_agree_with_other_readers(tmp_path: Path) -> None:
    photo = Photo(samples(9, 7, 3), icc=SRGB, exif=clean_exif(exif()))
    for suffix in (".png", ".tif", ".webp", ".bmp"):
        write_photo(photo, tmp_path / f"a{suffix}")
        with Image.open(tmp_path / f"a{suffix}") as image:
            np.testing.assert_array_equal(np.asarray(image.convert("RGB")), photo.pixels)
            if suffix != ".bmp":
                assert image.info["icc_profile"] == SRGB
    deep = Photo(samples(9, 7, 3, bits=16), bits=16)
    write_photo(deep, tmp_path / "deep.tif")
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "deep.tif"), deep.pixels)


def test_jpeg_is_fine_and_keeps_its_metadata(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    pixels = np.stack([smooth, smooth[::-1], 255 - smooth], axis=2)
    write_photo(Photo(pixels, icc=SRGB, exif=clean_exif(exif())), tmp_path / "a.jpg")
    back = read_photo(tmp_path / "a.jpg")
    assert np.abs(back.pixels.astype(int) - pixels).mean() < 1.5
    assert back.icc == SRGB
    assert tags(back.exif)[0][0x010F] == "Maker"
    with Image.open(tmp_path / "a.jpg") as image:
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # no chroma subsampling
        assert max(image.quantization[0]) < 15


def test_oversized_exif_loses_the_makers_note_first(tmp_path: Path) -> None:
    block = exif()
    block.get_ifd(EXIF_DETAILS)[0x927C] = bytes(70_000)
    write_photo(Photo(samples(8, 8, 3), exif=clean_exif(block)), tmp_path / "a.jpg")
    main, details, _ = tags(read_photo(tmp_path / "a.jpg").exif)
    assert main[0x010F] == "Maker"
    assert 0x927C not in details


def test_webp_is_lossless_even_below_transparency(tmp_path: Path) -> None:
    photo = Photo(samples(9, 7, 3), samples(9, 7) // 200, SRGB)
    write_photo(photo, tmp_path / "a.webp")
    back = read_photo(tmp_path / "a.webp")
    np.testing.assert_array_equal(back.pixels, photo.pixels)
    np.testing.assert_array_equal(back.alpha, photo.alpha)
    assert back.icc == SRGB


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_orientation_is_applied_and_reset(tmp_path: Path, orientation: int, suffix: str) -> None:
    image = Image.fromarray(samples(24, 16, 3) // 64 * 64)
    block = exif()
    block[0x0112] = orientation
    image.save(tmp_path / f"a{suffix}", exif=block, **({"quality": 100} if suffix == ".jpg" else {}))
    with Image.open(tmp_path / f"a{suffix}") as stored:
        expected = np.asarray(ImageOps.exif_transpose(stored))
    photo = read_photo(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(photo.pixels, expected)
    assert photo.pixels.shape[:2] == ((24, 16) if orientation < 5 else (16, 24))
    assert tags(photo.exif)[0][0x0112] == 1


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_of_16_bit_files(tmp_path: Path, orientation: int) -> None:
    pixels = samples(6, 4, 3, bits=16)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="rgb", extratags=[(274, "H", 1, orientation, True)]
    )
    turns = {1: 0, 3: 2, 6: 3, 8: 1}
    np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").pixels, np.rot90(pixels, turns[orientation]))


def test_thumbnail_and_storage_tags_are_dropped(tmp_path: Path) -> None:
    block = exif()
    block[0x0201] = 1234  # the place of a thumbnail
    block[0x0111] = 8  # the place of TIFF strips
    kept = clean_exif(block)
    assert not {0x0201, 0x0111} & set(tags(kept)[0])
    assert clean_exif(Image.Exif()) is None


def test_damaged_exif_costs_only_the_exif(tmp_path: Path) -> None:
    Image.fromarray(samples(8, 9, 3)).save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.pixels.shape == (8, 9, 3)
    assert photo.exif is None


def test_a_profile_of_another_colour_space_is_dropped(tmp_path: Path) -> None:
    Image.fromarray(samples(8, 9)).save(tmp_path / "a.tif", icc_profile=SRGB)
    assert read_photo(tmp_path / "a.tif").icc is None


@pytest.mark.parametrize("name", ["a.gif", "a.jp2", "a"])
def test_a_suffix_that_is_not_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageError, match=r"use one of .*\.png"):
        write_rgb(samples(4, 4, 3), tmp_path / name)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_transparency_is_never_lost_silently(tmp_path: Path, suffix: str) -> None:
    pixels = samples(4, 5, 3)
    with pytest.raises(ImageError, match="transparent.*write a .png"):
        write_photo(Photo(pixels, samples(4, 5)), tmp_path / f"a{suffix}")
    write_photo(Photo(pixels, np.full((4, 5), 255, np.uint8)), tmp_path / f"a{suffix}")  # nothing is lost
    assert read_photo(tmp_path / f"a{suffix}").pixels.shape == (4, 5, 3)


def test_too_long_for_the_format(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="write a .png"):
        write_rgb(np.zeros((1, 16_384, 3), np.uint8), tmp_path / "a.webp")


@pytest.mark.parametrize("suffix", WRITE_SUFFIXES)
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write_rgb(samples(4, 4, 3), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
