"""PNG: a changed byte is found by its checksum, and what else of the chunks is read."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from edgeir.core.errors import ImageError
from edgeir.imaging.files import Photo, read_photo, write_photo
from edgeir.imaging.photo import clean_exif
from edgeir.imaging.png import png_chunk

from .conftest import SRGB, encoded, exif, samples, smooth, tags


def variants(tmp_path: Path) -> dict[str, bytes]:
    palette = Image.fromarray(samples(9, 11, 3)).quantize(8)
    deep = tmp_path / "deep.png"
    write_photo(Photo(samples(9, 11, 3, bits=16), samples(9, 11, bits=16), SRGB, bits=16), deep)
    return {
        "rgb": encoded(samples(9, 11, 3), "PNG", dpi=(300, 300)),
        "stored": encoded(samples(9, 11, 3), "PNG", compress_level=0),  # deflate itself would notice nothing
        "palette": encoded(palette, "PNG", transparency=3),
        "keyed": encoded(samples(9, 11), "PNG", transparency=7),
        "deep": deep.read_bytes(),
    }


@pytest.mark.parametrize("kind", ["rgb", "stored", "palette", "keyed", "deep"])
def test_a_changed_file_is_refused_or_has_the_same_pixels(tmp_path: Path, kind: str) -> None:
    whole = variants(tmp_path)[kind]
    path = tmp_path / "a.png"
    path.write_bytes(whole)
    photo = read_photo(path)
    random, refused = np.random.default_rng(0), 0
    for place in sorted({*range(60), *random.integers(0, len(whole), 250).tolist()}):
        content = bytearray(whole)
        content[place] ^= 1 << int(random.integers(8))
        path.write_bytes(content)
        try:
            found = read_photo(path)
        except ImageError:
            refused += 1
            continue
        np.testing.assert_array_equal(found.pixels, photo.pixels)
        assert (found.alpha is None) == (photo.alpha is None)
        assert photo.alpha is None or np.array_equal(found.alpha, photo.alpha)
    assert refused > 100


def test_the_chunk_and_its_place_are_named(tmp_path: Path) -> None:
    content = bytearray(encoded(samples(9, 11, 3), "PNG"))
    start = content.index(b"IDAT") - 4
    content[start + 20] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=f"checksum of the chunk 'IDAT' at byte {start} is wrong"):
        read_photo(tmp_path / "a.png")


def with_chunks(*chunks: tuple[bytes, bytes], array: np.ndarray | None = None) -> bytes:
    content = encoded(samples(6, 7, 3) if array is None else array, "PNG")
    place = content.index(b"IDAT") - 4
    return content[:place] + b"".join(png_chunk(*chunk) for chunk in chunks) + content[place:]


def test_a_profile_and_texts_larger_than_pillow_takes(tmp_path: Path) -> None:
    profile = SRGB + bytes(3 << 20)
    content = with_chunks(
        (b"iCCP", b"x\0\0" + zlib.compress(profile)),
        (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5 << 20))),
    )
    (tmp_path / "a.png").write_bytes(content)
    photo = read_photo(tmp_path / "a.png")
    assert photo.icc == profile
    np.testing.assert_array_equal(photo.pixels, samples(6, 7, 3))


def test_malformed_ancillary_chunks_cost_only_themselves(tmp_path: Path) -> None:
    odd = (
        (b"gAMA", b"\0"),
        (b"pHYs", b"\0"),
        (b"cICP", b"\1"),
        (b"cHRM", b""),
        (b"iCCP", b"x\0\0not deflated"),
    )
    (tmp_path / "a.png").write_bytes(with_chunks(*odd, (b"eXIf", b"no tiff"), (b"zTXt", b"a\0\0no")))
    photo = read_photo(tmp_path / "a.png")
    assert (photo.icc, photo.exif, photo.colour, photo.density) == (None, None, None, None)


def test_an_unknown_critical_chunk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(with_chunks((b"CgBI", b"\0\0\0\0")))
    with pytest.raises(ImageError, match="unknown chunk 'CgBI'"):
        read_photo(tmp_path / "a.png")


def test_rows_that_are_missing_behind_sound_checksums(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 40, 40, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(121 * 20))
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        png_chunk(*chunk) for chunk in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match="cannot be decoded: Not enough image data"):
        read_photo(tmp_path / "a.png")


def test_exif_as_imagemagick_writes_it(tmp_path: Path) -> None:
    block = clean_exif(exif())
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(block):8d}\n{block.hex()}\n", zip=True)
    (tmp_path / "a.png").write_bytes(encoded(samples(6, 7, 3), "PNG", pnginfo=info))
    assert tags(read_photo(tmp_path / "a.png").exif)[0][0x010F] == "Maker"


@pytest.mark.parametrize("interlaced", [False, True])
def test_16_bit_colour_with_a_transparent_one(tmp_path: Path, interlaced: bool) -> None:
    pixels = samples(6, 7, 3, bits=16)
    write_photo(Photo(pixels, bits=16), tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    place = content.index(b"IDAT") - 4
    key = png_chunk(b"tRNS", pixels[2, 3].astype(">u2").tobytes())
    (tmp_path / "a.png").write_bytes(content[:place] + key + content[place:])
    photo = read_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert np.argwhere(photo.alpha == 0).tolist() == [[2, 3]]


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_gray_of_few_bits(tmp_path: Path, bits: int) -> None:
    levels = smooth(8, 8, 1)[:, :, 0] >> (8 - bits)
    header = struct.pack(">IIBBBBB", 8, 8, bits, 0, 0, 0, 0)
    rows = np.packbits(
        (levels[:, :, None] >> np.arange(bits - 1, -1, -1) & 1).reshape(8, -1).astype(np.uint8), axis=1
    )
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    parts = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts))
    np.testing.assert_array_equal(
        read_photo(tmp_path / "a.png").pixels[:, :, 0], levels * (255 // (2**bits - 1))
    )
