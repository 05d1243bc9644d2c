"""JPEG files as they are written: what other decoders make of them, and the memory that it takes."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from edgeir.imaging.density import Density
from edgeir.imaging.files import Photo, read_photo, write_photo
from edgeir.imaging.photo import clean_exif

from .conftest import SRGB, encoded, exif, smooth


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("bits", [8, 16])
def test_the_pixels_are_those_of_pillows_encoder(tmp_path: Path, channels: int, bits: int) -> None:
    array = smooth(37, 53, channels)
    pixels = array if bits == 8 else array.astype(np.uint16) * 257
    write_photo(Photo(pixels, bits=bits), tmp_path / "a.jpg")
    found = read_photo(tmp_path / "a.jpg").pixels.squeeze()
    image = array if channels == 3 else array[:, :, 0]
    with Image.open(io.BytesIO(encoded(image, "JPEG", quality=95, subsampling=0))) as other:
        assert np.abs(found.astype(int) - np.asarray(other)).max() <= 1


def test_other_decoders_find_every_segment(tmp_path: Path) -> None:
    icc = SRGB + bytes(150_000)  # three segments
    photo = Photo(
        smooth(20, 30), icc=icc, exif=clean_exif(exif()), xmp=b"<x/>", density=Density(240.0, 120.0)
    )
    write_photo(photo, tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        image.load()
        assert image.info["icc_profile"] == icc
        assert image.info["xmp"] == b"<x/>"
        assert image.info["dpi"] == (240, 120)
        assert image.getexif()[0x010F] == "Maker"
    assert imagecodecs.jpeg8_decode((tmp_path / "a.jpg").read_bytes()).shape == (20, 30, 3)


CHILD = """
import numpy as np
from pathlib import Path
from edgeir.imaging.files import Photo, write_photo

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024

write_photo(Photo(np.zeros((8, 8, 3), np.uint8)), "small.jpg")
side = 4000
pixels = np.repeat((np.arange(side * 3) % 251).astype(np.uint8).reshape(1, side, 3), side, axis=0)
Path("/proc/self/clear_refs").write_text("5")
before = peak()
write_photo(Photo(pixels), "large.jpg")
print(peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_image_is_not_copied(tmp_path: Path) -> None:
    try:
        result = subprocess.run(
            [sys.executable, "-c", CHILD],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    except subprocess.CalledProcessError as error:
        if "clear_refs" in error.stderr:
            pytest.skip("the peak of memory cannot be reset here")
        raise
    extra = float(result.stdout)  # MiB beside 46 of the pixels; Pillow's encoder took 61
    assert extra < 20
