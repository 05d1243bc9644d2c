"""Image files: what survives a round trip, what unusual files become, and what damaged ones say."""

from __future__ import annotations

import errno
import io
import os
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from edgeir.core.errors import DataError, ImageError, OutputError
from edgeir.imaging.files import (
    WRITE_SUFFIXES,
    Photo,
    list_images,
    read_photo,
    read_rgb,
    to_8bit,
    write_photo,
    write_rgb,
)
from edgeir.imaging.photo import clean_exif

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY = SRGB[:16] + b"GRAY" + SRGB[20:]
"""Only its header is looked at here."""

EXIF_DETAILS, GPS = 0x8769, 0x8825


def samples(*shape: int, bits: int = 8, seed: int = 0) -> np.ndarray:
    dtype = np.uint8 if bits == 8 else np.uint16
    return np.random.default_rng(seed).integers(0, 2**bits, shape).astype(dtype)


def exif(**extra: object) -> Image.Exif:
    block = Image.Exif()
    block[0x010F] = "Maker"
    block[0x8298] = "somebody"
    block.get_ifd(EXIF_DETAILS).update(
        {0x9003: "2020:01:01 00:00:00", 0xA002: 99, 0xA003: 98, 0x829A: (1, 50)}
    )
    block.get_ifd(GPS).update({1: "N", 2: (1.0, 2.0, 3.0)})
    return block


def tags(data: bytes | None) -> tuple[dict, dict, dict]:
    assert data is not None
    block = Image.Exif()
    block.load(data)
    return dict(block), dict(block.get_ifd(EXIF_DETAILS)), dict(block.get_ifd(GPS))


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


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


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


@pytest.mark.parametrize("order", ["<", ">"])
def test_16_bit_gray_of_either_byte_order(tmp_path: Path, order: str) -> None:
    pixels = samples(5, 6, bits=16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, byteorder=order)
    photo = read_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.pixels[:, :, 0], pixels)
    assert photo.bits == 16
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png").pixels[:, :, 0], pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_floating_point_tiff(tmp_path: Path, channels: int) -> None:
    values = np.linspace(0, 1, 30 * channels, dtype=np.float32).reshape(5, 6, channels)
    photometric = "rgb" if channels == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=photometric)
    photo = read_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.pixels, np.rint(values * 65535))
    for bad in (values * 300, values - 1, np.where(values > 0.5, np.nan, values)):
        tifffile.imwrite(tmp_path / "bad.tif", bad.astype(np.float32), photometric=photometric)
        with pytest.raises(ImageError, match="floating-point samples run from .*scale them to 0..1"):
            read_photo(tmp_path / "bad.tif")


def test_tiff_layouts(tmp_path: Path) -> None:
    pixels = samples(40, 50, 3, bits=16)
    tifffile.imwrite(
        tmp_path / "planes.tif", np.moveaxis(pixels, -1, 0), photometric="rgb", planarconfig="separate"
    )
    tifffile.imwrite(tmp_path / "lzw.tif", pixels, photometric="rgb", compression="lzw", tile=(16, 16))
    tifffile.imwrite(tmp_path / "white.tif", pixels[:, :, 0], photometric="miniswhite")
    np.testing.assert_array_equal(read_photo(tmp_path / "planes.tif").pixels, pixels)
    np.testing.assert_array_equal(read_photo(tmp_path / "lzw.tif").pixels, pixels)
    np.testing.assert_array_equal(65535 - read_photo(tmp_path / "white.tif").pixels[:, :, 0], pixels[:, :, 0])
    ink = samples(8, 8, 4, bits=16)
    tifffile.imwrite(tmp_path / "ink.tif", ink, photometric="separated")
    expected = Image.fromarray((ink >> 8).astype(np.uint8), "CMYK").convert("RGB")
    np.testing.assert_array_equal(read_photo(tmp_path / "ink.tif").pixels, np.asarray(expected))
    tifffile.imwrite(tmp_path / "five.tif", samples(8, 8, 5), photometric="rgb")
    with pytest.raises(ImageError, match="convert it to RGB or gray"):
        read_photo(tmp_path / "five.tif")
    tifffile.imwrite(tmp_path / "int.tif", np.full((4, 4), 70_000, np.int32))
    with pytest.raises(ImageError, match="integer samples run from 70000 to 70000"):
        read_photo(tmp_path / "int.tif")


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


# What is refused, and how it is said.


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


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


def one_line(error: ImageError, path: Path) -> bool:
    return "\n" not in str(error) and str(error).startswith(str(path)) and error.fix is not None


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

    monkeypatch.setattr(Image, "open", refuse)  # tests may run as root, who may read everything
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


def test_the_main_picture_of_a_multi_picture_jpeg(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:])
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.format == "JPEG"
    assert photo.pixels[0, 0, 0] > 200


def test_damaged_exif_costs_only_the_exif(tmp_path: Path) -> None:
    Image.fromarray(samples(8, 9, 3)).save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.pixels.shape == (8, 9, 3)
    assert photo.exif is None


def test_a_profile_of_another_colour_space_is_dropped(tmp_path: Path) -> None:
    Image.fromarray(samples(8, 9)).save(tmp_path / "a.tif", icc_profile=SRGB)
    assert read_photo(tmp_path / "a.tif").icc is None


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
