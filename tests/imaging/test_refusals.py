"""What is refused while reading, and how it is said."""

from __future__ import annotations

import errno
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.imaging import read
from edgeir.imaging.files import (
    Photo,
    read_photo,
    read_rgb,
    write_photo,
    write_rgb,
)
from edgeir.imaging.photo import clean_exif

from .conftest import SRGB, exif, one_line, png_header, samples


def bomb(kind: str) -> bytes:
    if kind == "png":
        data = zlib.compress(bytes(1000))
        chunk = struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
        return png_header(60_000, 60_000) + chunk
    buffer = io.BytesIO()
    if kind == "tif":
        tifffile.imwrite(buffer, np.zeros((4, 4, 3), np.float32), photometric="rgb")
        data = bytearray(buffer.getvalue())
        for tag in (256, 257):
            place = data.index(struct.pack("<HH", tag, 4))
            data[place + 8 : place + 12] = struct.pack("<I", 60_000)
        return bytes(data)
    Image.new("RGB", (8, 8)).save(buffer, {"jpg": "JPEG", "bmp": "BMP"}[kind])
    data = bytearray(buffer.getvalue())
    if kind == "bmp":
        data[18:26] = struct.pack("<ii", 60_000, 60_000)
    else:
        place = data.index(b"\xff\xc0") + 5
        data[place : place + 4] = struct.pack(">HH", 60_000, 60_000)
    return bytes(data)


@pytest.mark.parametrize("kind", ["png", "jpg", "bmp", "tif"])
def test_decompression_bombs_stop_at_the_header(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"bomb.{kind}"
    path.write_bytes(bomb(kind))
    with pytest.raises(ImageError) as caught:
        read_photo(path)
    assert str(caught.value).startswith(
        f"{path}: its header states 60000 x 60000 = 3600 megapixels, more than"
    )


def test_the_limit_is_exact(tmp_path: Path) -> None:
    write_rgb(samples(10, 20, 3), tmp_path / "a.png")
    assert read_rgb(tmp_path / "a.png", max_pixels=200).shape == (10, 20, 3)
    with pytest.raises(ImageError, match="megapixels"):
        read_rgb(tmp_path / "a.png", max_pixels=199)


def test_above_pillows_own_limit_and_its_limit_is_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rgb(samples(10, 20, 3), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # Pillow itself would refuse 200 pixels
    assert read_rgb(tmp_path / "a.png").shape == (10, 20, 3)
    assert Image.MAX_IMAGE_PIXELS == 10
    with pytest.raises(ImageError):
        read_rgb(tmp_path / "a.png", max_pixels=5)
    assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"just some text, whatever the name says\n", "is not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "is not an image"),
        (png_header(8, 8), "cannot be decoded|is not an image"),
        (b"\x89PNG\r\n\x1a\n", "cannot be decoded|is not an image"),
        (b"\xff\xd8\xff\xe0", "cannot be decoded|is not an image"),
        (b"II*\0\x08\0\0\0", "cannot be decoded|is not an image"),
        (b"GIF89a", "cannot be decoded|is not an image"),
    ],
)
def test_what_is_no_image_is_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=words) as caught:
        read_photo(path)
    assert one_line(caught.value, path)


def test_missing_folder_and_special_files(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        read_photo(tmp_path / "none.png")
    with pytest.raises(ImageError, match="is a folder"):
        read_photo(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="not a regular file"):
        read_photo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="cannot be read"):
        read_photo(tmp_path / ("x" * 5000))


@pytest.mark.parametrize(
    ("code", "words"), [(errno.EACCES, "no permission to read"), (errno.EIO, "cannot be read")]
)
def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str) -> None:
    path = tmp_path / "a.png"
    write_rgb(samples(4, 4, 3), path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(read, "kind_of", refuse)  # tests may run as root, who may read everything
    with pytest.raises(ImageError, match=words) as caught:
        read_photo(path)
    assert one_line(caught.value, path)


FORMATS = [".png", "16.png", ".jpg", ".tif", "16.tif", ".webp", ".bmp", ".gif"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    for name in FORMATS:
        path = folder / f"a{name}"
        if name == ".gif":
            Image.fromarray(samples(30, 40)).save(path)
        else:
            bits = 16 if name.startswith("16") else 8
            write_photo(
                Photo(samples(30, 40, 3, bits=bits), icc=SRGB, exif=clean_exif(exif()), bits=bits), path
            )
    return {name: (folder / f"a{name}").read_bytes() for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated(whole: dict[str, bytes], tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / f"a{name}"
    path.write_bytes(whole[name][: int(len(whole[name]) * share)])
    with pytest.raises(ImageError) as caught:
        read_photo(path)
    assert one_line(caught.value, path)


@pytest.mark.parametrize("name", FORMATS)
def test_damage_never_escapes_as_another_error(
    whole: dict[str, bytes], tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    random = np.random.default_rng(0)
    path = tmp_path / f"damaged{name}"
    refused = 0
    for _ in range(150):
        content = bytearray(whole[name])
        reach = random.choice([60, len(content)])  # the header is where damage hurts
        for place in random.integers(0, reach, random.integers(1, 6)):
            content[place] = random.integers(0, 256)
        path.write_bytes(content)
        caught = None
        try:
            photo = read_photo(path, max_pixels=1_000_000)
        except ImageError as error:
            caught = error
            refused += 1
        # Damage that leaves an image is not found.
        assert photo.pixels.size > 0 if caught is None else one_line(caught, path)
    assert refused > 10
    assert capfd.readouterr() == ("", "")  # and no library talks about it


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_animations_and_pages_are_refused(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(samples(8, 9, 3, seed=seed)) for seed in range(3)]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match="has 3 (frames|pages), only single images are read"):
        read_photo(tmp_path / f"a{suffix}")
