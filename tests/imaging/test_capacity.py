"""A header that states more than the file can hold is refused at once; sound files of the densest kind are not."""

from __future__ import annotations

import contextlib
import io
import struct
import time
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.imaging.files import read_photo

from .conftest import encoded, png_header, tiff_bytes


def bmp(width: int, height: int, bits: int, compression: int, data: bytes) -> bytes:
    palette = bytes(1024 if bits == 8 else 64 if bits == 4 else 0)
    offset = 54 + len(palette)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + head + palette + data


HUGE = {
    "rle8.bmp": bmp(4_194_352, 40, 8, 1, b"\0\0" * 100),
    "rle4.bmp": bmp(4_194_352, 40, 4, 2, b"\0\0" * 100),
    "raw.bmp": bmp(10_000, 10_000, 24, 0, bytes(1000)),
    "gray.pgm": b"P5 10000 10000 255\n" + bytes(1000),
    "colour.ppm": b"P6\n# a remark\n10000 10000\n65535\n" + bytes(1000),
    "text.ppm": b"P3 10000 10000 255\n" + b"1 2 3 " * 100,
    "bits.pbm": b"P4 10000 10000\n" + bytes(1000),
    "float.pfm": b"Pf\n10000 10000\n-1.0\n" + bytes(1000),
    "raw.tif": tiff_bytes(bytes(1000), (10_000, 10_000), 8, 3, 2),
    "packbits.tif": tiff_bytes(bytes(1000), (10_000, 10_000), 8, 3, 2, t259=(3, [32773])),
    "lzw.tif": tiff_bytes(bytes(1000), (10_000, 10_000), 8, 3, 2, t259=(3, [5])),
    "deflate.png": png_header(10_000, 10_000) + bytes(1000),
    "a.gif": b"GIF89a"
    + struct.pack("<HH", 14_000, 14_000)
    + b"\x80\0\0"
    + bytes(6)
    + b","
    + struct.pack("<HHHH", 0, 0, 14_000, 14_000)
    + b"\0\x02"
    + bytes(100)
    + b";",
}


@pytest.mark.parametrize("name", HUGE)
def test_more_pixels_than_the_file_can_hold(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HUGE[name])
    started = time.perf_counter()
    with pytest.raises(ImageError, match="more than a file of .* bytes can hold"):
        read_photo(path)
    assert time.perf_counter() - started < 5


def test_a_jpeg_header_that_states_too_much(tmp_path: Path) -> None:
    content = bytearray(encoded(np.zeros((8, 8, 3), np.uint8), "JPEG"))
    place = content.index(b"\xff\xc0") + 5
    content[place : place + 4] = struct.pack(">HH", 14_000, 14_000)
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageError, match="can hold"):
        read_photo(tmp_path / "a.jpg")


def test_the_densest_sound_files_are_read(tmp_path: Path) -> None:
    flat = np.full((1500, 2000), 7, np.uint8)
    for name, kind in (("a.png", "PNG"), ("a.gif", "GIF"), ("a.jpg", "JPEG"), ("a.webp", "WEBP")):
        options = (
            {"compress_level": 9}
            if kind == "PNG"
            else {"quality": 1, "optimize": True}
            if kind == "JPEG"
            else {}
        )
        (tmp_path / name).write_bytes(encoded(flat, kind, **options))
        assert read_photo(tmp_path / name).pixels.shape[:2] == flat.shape
    (tmp_path / "p.jpg").write_bytes(encoded(flat, "JPEG", quality=1, progressive=True))
    assert read_photo(tmp_path / "p.jpg").pixels.shape[:2] == flat.shape
    for compression in ("lzw", "zlib", "packbits", "zstd"):
        tifffile.imwrite(tmp_path / "a.tif", flat, compression=compression, rowsperstrip=1500)
        assert read_photo(tmp_path / "a.tif").pixels.shape[:2] == flat.shape
    image = Image.fromarray(flat > 300)
    image.save(tmp_path / "g4.tif", compression="group4")
    if hasattr(imagecodecs, "CCITTFAX4"):
        assert not read_photo(tmp_path / "g4.tif").pixels.any()
    runs = b"".join(bytes((255, 3)) * 8 + b"\0\0" for _ in range(60)) + b"\0\1"
    (tmp_path / "a.bmp").write_bytes(bmp(8 * 255, 60, 8, 1, runs))
    assert read_photo(tmp_path / "a.bmp").pixels.shape[:2] == (60, 8 * 255)


@pytest.mark.parametrize("kind", ["BMP", "PPM", "GIF", "WEBP", "TIFF", "JPEG"])
def test_changed_headers_never_take_long_or_escape(tmp_path: Path, kind: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(stream, kind)
    whole, random = stream.getvalue(), np.random.default_rng(0)
    started = time.perf_counter()
    for _ in range(120):
        content = bytearray(whole)
        for place in random.integers(0, min(60, len(whole)), 2):
            content[place] = random.integers(256)
        (tmp_path / "a").write_bytes(content)
        with contextlib.suppress(ImageError):
            assert read_photo(tmp_path / "a", max_pixels=10_000_000).pixels.size
    assert time.perf_counter() - started < 60
