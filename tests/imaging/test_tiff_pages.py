"""TIFF files of several images: the main one is read, several full ones are refused; and their metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from edgeir.core.errors import ImageError
from edgeir.imaging.files import Photo, read_photo, write_photo
from edgeir.imaging.photo import clean_exif

from .conftest import SRGB, exif, samples, tags

MAIN, SMALL = samples(40, 50, 3), samples(10, 12, 3, seed=1)
MASK = samples(40, 50, seed=2) > 127


def pages(path: Path, *images: tuple[np.ndarray, dict]) -> np.ndarray:
    with tifffile.TiffWriter(path) as writer:
        for array, options in images:
            photometric = "rgb" if array.ndim == 3 else "minisblack"
            writer.write(array, **{"photometric": photometric, "metadata": None, **options})
    return read_photo(path).pixels


@pytest.mark.parametrize("kind", [1, 4, 5, 9])
def test_smaller_copies_and_masks_are_passed_over(tmp_path: Path, kind: int) -> None:
    other = (MASK if kind & 4 else SMALL, {"subfiletype": kind})
    np.testing.assert_array_equal(pages(tmp_path / "a.tif", (MAIN, {}), other), MAIN)
    np.testing.assert_array_equal(pages(tmp_path / "b.tif", other, (MAIN, {})), MAIN)
    np.testing.assert_array_equal(pages(tmp_path / "c.tif", (MAIN, {}), other, other), MAIN)


def test_the_older_tag_of_reduced_copies(tmp_path: Path) -> None:
    other = (SMALL, {"extratags": [(255, "H", 1, 2, True)]})
    np.testing.assert_array_equal(pages(tmp_path / "a.tif", (MAIN, {}), other), MAIN)


def test_images_that_hang_below(tmp_path: Path) -> None:
    below = (SMALL, {"subfiletype": 1})
    np.testing.assert_array_equal(pages(tmp_path / "a.tif", (MAIN, {"subifds": 1}), below), MAIN)
    first = (SMALL, {"subfiletype": 1, "subifds": 1})  # as camera software stores it: the thumbnail on top
    np.testing.assert_array_equal(pages(tmp_path / "b.tif", first, (MAIN, {"subfiletype": 0})), MAIN)


def test_a_single_page_of_any_kind_is_the_image(tmp_path: Path) -> None:
    np.testing.assert_array_equal(pages(tmp_path / "a.tif", (MAIN, {"subfiletype": 1})), MAIN)
    np.testing.assert_array_equal(pages(tmp_path / "b.tif", (MAIN, {"subfiletype": 2})), MAIN)


def test_several_full_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="has 2 pages, only single images are read"):
        pages(tmp_path / "a.tif", (MAIN, {}), (SMALL, {"subfiletype": 1}), (MAIN, {"subfiletype": 2}))
    tifffile.imwrite(tmp_path / "b.tif", samples(3, 8, 9), imagej=True)
    with pytest.raises(ImageError, match="has 3 pages"):
        read_photo(tmp_path / "b.tif")


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_metadata_is_that_of_the_main_page(tmp_path: Path, big: bool, order: str) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif", bigtiff=big, byteorder=order) as writer:
        writer.write(SMALL, photometric="rgb", subfiletype=1, metadata=None, description="small")
        writer.write(
            MAIN,
            photometric="rgb",
            metadata=None,
            description="main",
            iccprofile=SRGB,
            resolution=(300, 150),
            resolutionunit="inch",
            extratags=[(271, "s", 0, "Maker", True), (274, "H", 1, 6, True)],
        )
    photo = read_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.pixels, np.rot90(MAIN, 3))
    main = tags(photo.exif)[0]
    assert (main[0x010E], main[0x010F], main[0x0112]) == ("main", "Maker", 1)
    assert photo.icc == SRGB
    assert photo.density == (150, 300, True)  # turned with the image
    assert (main[0x011A], main[0x011B]) == (150, 300)


def test_exif_and_gps_directories(tmp_path: Path) -> None:
    write_photo(Photo(MAIN, exif=clean_exif(exif())), tmp_path / "a.tif")
    _, details, gps = tags(read_photo(tmp_path / "a.tif").exif)
    assert details[0x9003] == "2020:01:01 00:00:00"
    assert gps[1] == "N"
