"""AVIF, JPEG XL and HEIC: every depth, alpha, profile and orientation; or a refusal that names what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.imaging import kinds
from edgeir.imaging.colour_tags import ColourTags
from edgeir.imaging.files import read_photo, write_photo
from edgeir.imaging.remarks import remarks

from .conftest import SRGB, encoded, exif, smooth, tags

avif = pytest.mark.skipif(not kinds.has_avif(), reason="this Pillow has no AVIF")
jxl = pytest.mark.skipif(not kinds.has_jpegxl(), reason="this imagecodecs has no JPEG XL")


def deep(bits: int, channels: int = 3) -> np.ndarray:
    return np.rint(smooth(40, 56, channels) * ((2**bits - 1) / 255)).astype(np.uint16)


def read(tmp_path: Path, content: bytes, name: str = "a"):
    (tmp_path / name).write_bytes(content)
    return read_photo(tmp_path / name)


def off(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference as a share of white."""
    white = [255 if array.dtype == np.uint8 else 65535 for array in (found, expected)]
    return float(np.abs(found / white[0] - expected / white[1]).max())


@avif
def test_avif_of_8_bits(tmp_path: Path) -> None:
    image = smooth(40, 56)
    photo = read(
        tmp_path, encoded(image, "AVIF", quality=100, subsampling="4:4:4", icc_profile=SRGB), "a.png"
    )
    assert (photo.format, photo.bits, photo.icc) == ("AVIF", 8, SRGB)
    assert off(photo.pixels, image) < 0.02
    gray = read(tmp_path, encoded(image[:, :, 0], "AVIF", quality=100))
    assert gray.gray
    block = exif()
    block[0x0112], block[0x011A], block[0x011B], block[0x0128] = 6, 300.0, 150.0, 2
    turned = read(tmp_path, encoded(image, "AVIF", quality=100, subsampling="4:4:4", exif=block.tobytes()))
    assert off(turned.pixels, np.rot90(image, 3)) < 0.02
    assert tags(turned.exif)[0][0x0112] == 1
    assert turned.density == (150, 300, True)


@avif
@pytest.mark.parametrize("premultiplied", [False, True])
def test_avif_with_alpha(tmp_path: Path, premultiplied: bool) -> None:
    image = np.dstack([smooth(40, 56), np.full((40, 56), 100, np.uint8)])
    content = encoded(image, "AVIF", quality=100, subsampling="4:4:4", alpha_premultiplied=premultiplied)
    photo = read(tmp_path, content)
    assert photo.alpha is not None
    assert np.abs(photo.alpha.astype(int) - 100).max() <= 1
    assert off(photo.pixels, image[:, :, :3]) < 0.04
    deeper = imagecodecs.avif_decode(content)  # the decoder of deeper ones divides too
    assert off(deeper[:, :, :3], image[:, :, :3]) < 0.04


@avif
@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_deep_avif(tmp_path: Path, bits: int, channels: int) -> None:
    levels = deep(bits, min(channels, 3))
    array = levels if channels < 4 else np.dstack([levels, levels[:, :, 0]])
    photo = read(tmp_path, imagecodecs.avif_encode(array, level=100, bitspersample=bits))
    assert photo.bits == 16
    expected = np.rint(levels * (65535 / (2**bits - 1))).astype(np.uint16)
    assert off(photo.pixels, expected) < 0.002
    assert (photo.alpha is not None) == (channels == 4)


@avif
def test_code_points_of_avif(tmp_path: Path) -> None:
    for primaries, transfer in ((9, 16), (12, 13)):
        content = imagecodecs.avif_encode(
            deep(10), level=100, bitspersample=10, primaries=primaries, transfer=transfer
        )
        photo = read(tmp_path, content)
        assert photo.colour == ColourTags(cicp=(primaries, transfer, 0, 1))
        write_photo(photo, tmp_path / "b.png")
        assert read_photo(tmp_path / "b.png").colour == photo.colour
        if transfer == 16:
            with pytest.raises(ImageError, match="PQ"):
                write_photo(photo, tmp_path / "b.jpg")
    plain = imagecodecs.avif_encode(deep(10), level=100, bitspersample=10, primaries=1, transfer=13)
    assert read(tmp_path, plain).colour is None


@avif
def test_an_avif_animation_is_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(smooth(16, 16)), Image.fromarray(255 - smooth(16, 16))]
    with pytest.raises(ImageError, match="animation"):
        read(tmp_path, encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:]))


@jxl
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_xl_of_every_depth(tmp_path: Path, bits: int, channels: int) -> None:
    levels = smooth(40, 56, min(channels, 3)) if bits == 8 else deep(bits, min(channels, 3))
    array = levels if channels < 4 else np.dstack([levels, levels[:, :, 0]])
    content = imagecodecs.jpegxl_encode(array, lossless=True, bitspersample=bits)
    photo = read(tmp_path, content, "a.jpg")
    assert (photo.format, photo.bits) == ("JPEG XL", 8 if bits == 8 else 16)
    white = 255 if bits == 8 else 65535
    np.testing.assert_array_equal(photo.pixels, np.rint(levels * (white / (2**bits - 1))))
    assert (photo.alpha is not None) == (channels == 4)


@jxl
def test_lossy_and_floating_point_jpeg_xl(tmp_path: Path) -> None:
    image = smooth(64, 64)
    photo = read(tmp_path, imagecodecs.jpegxl_encode(image, level=95))
    assert photo.lossy is True
    assert off(photo.pixels, image) < 0.08
    real = read(tmp_path, imagecodecs.jpegxl_encode((image / 255).astype(np.float32), lossless=True))
    assert off(real.pixels, image) < 1e-4


def box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + kind + body


@jxl
@pytest.mark.parametrize("packed", [False, True])
def test_metadata_in_a_jpeg_xl_container(tmp_path: Path, packed: bool) -> None:
    codestream = imagecodecs.jpegxl_encode(smooth(40, 56), lossless=True, usecontainer=False)
    assert codestream[:2] == b"\xff\x0a"
    block = exif()
    block[0x0112], block[0x011A], block[0x011B], block[0x0128] = 6, 300.0, 150.0, 2
    details, xmp = bytes(4) + block.tobytes().removeprefix(b"Exif\0\0"), b'<a xmlns:b="c" b:d="e"/>'
    boxes = [(b"Exif", details), (b"xml ", xmp)]
    if packed:
        boxes = [(b"brob", kind + imagecodecs.brotli_encode(body)) for kind, body in boxes]
    parts = [(b"jxlp", bytes(4) + codestream[:50]), (b"jxlp", b"\x80\0\0\1" + codestream[50:])]
    head = b"\0\0\0\x0cJXL \r\n\x87\n" + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    photo = read(tmp_path, head + b"".join(box(*part) for part in (*boxes, *parts, (b"jhgm", b"x"))))
    np.testing.assert_array_equal(photo.pixels, smooth(40, 56))  # EXIF's orientation does not count here
    main = tags(photo.exif)[0]
    assert (main[0x010F], main[0x0112]) == ("Maker", 1)
    assert photo.xmp == xmp
    assert photo.density == (300, 150, True)


@jxl
@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.95])
def test_truncated_jpeg_xl(tmp_path: Path, share: float) -> None:
    content = imagecodecs.jpegxl_encode(smooth(64, 64), lossless=True)
    with pytest.raises(ImageError):
        read(tmp_path, content[: 2 + int(share * len(content))])


@jxl
def test_a_jpeg_xl_animation_and_a_huge_header_are_refused(tmp_path: Path) -> None:
    frames = np.stack([smooth(16, 16), 255 - smooth(16, 16)])
    with pytest.raises(ImageError, match="JPEG XL with an animation"):
        read(tmp_path, imagecodecs.jpegxl_encode(frames, lossless=True))
    with pytest.raises(ImageError, match="its header states 60000 x 60000"):
        read(tmp_path, huge_jxl())


def huge_jxl() -> bytes:
    bits = [(0, 1), (2, 2), (59_999, 18), (1, 3), (1, 1)]  # not small; 18 bits; as wide as high; all default
    value = place = 0
    for number, count in bits:
        value, place = value | number << place, place + count
    return b"\xff\x0a" + value.to_bytes(20, "little")


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


def test_heic_without_its_decoder_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "has_heif", lambda: False)
    with pytest.raises(
        ImageError, match="is HEIC, which needs the package `pillow-heif` .pip install 'edgeir.heif.'"
    ):
        read(tmp_path, HEIC, "a.heic")


def test_other_formats_are_named(tmp_path: Path) -> None:
    for head, name in (
        (b"8BPS\0\1", "Photoshop"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"qoif", "QOI"),
    ):
        with pytest.raises(ImageError, match=f"is of the format {name}, which is not read .convert it"):
            read(tmp_path, head + bytes(100))


class TestHeic:
    """With the optional decoder only."""

    @pytest.fixture(autouse=True)
    def _decoder(self) -> None:
        pytest.importorskip("pillow_heif")

    def encoded(self, array: np.ndarray, **options: object) -> bytes:
        import io

        heif = sys.modules["pillow_heif"]
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[array.shape[2]] + (";16" if array.dtype == np.uint16 else "")
        stream = io.BytesIO()
        heif.encode(mode, array.shape[1::-1], array.tobytes(), stream, quality=-1, chroma=444, **options)
        return stream.getvalue()

    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_8_bits(self, tmp_path: Path, channels: int) -> None:
        array = smooth(40, 56, min(channels, 3))
        array = array if channels < 4 else np.dstack([array, array[:, :, 0]])
        photo = read(tmp_path, self.encoded(array), "a.jpg")
        assert (photo.format, photo.bits, photo.lossy) == ("HEIC", 8, True)
        assert off(photo.pixels, array[:, :, : photo.pixels.shape[2]]) < 0.02
        assert (photo.alpha is not None) == (channels == 4)

    def test_10_bits_reach_white(self, tmp_path: Path) -> None:
        photo = read(tmp_path, self.encoded(deep(16)))
        assert photo.bits == 16
        assert off(photo.pixels, deep(16)) < 0.003
        assert photo.pixels.max() == 65535

    def test_orientation_is_applied_once(self, tmp_path: Path) -> None:
        block = exif()
        block[0x0112] = 6
        photo = read(tmp_path, self.encoded(smooth(40, 56), exif=block.tobytes()))
        assert tags(photo.exif)[0][0x0112] == 1
        assert off(photo.pixels, np.rot90(smooth(40, 56), 3)) < 0.02

    def test_damage(self, tmp_path: Path) -> None:
        content = self.encoded(smooth(40, 56))
        with pytest.raises(ImageError):
            read(tmp_path, content[: len(content) // 2])


@avif
def test_remarks_of_plain_files_are_none(tmp_path: Path) -> None:
    with remarks() as said:
        read(tmp_path, encoded(smooth(16, 16), "AVIF"))
        read(tmp_path, imagecodecs.jpegxl_encode(smooth(16, 16)))
    assert said == []
