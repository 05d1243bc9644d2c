"""TIFF samples: every depth, layout, compression and colour that is read, against values known beforehand; and what is
refused by its name.
"""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from edgeir.core.errors import ImageError
from edgeir.imaging.files import read_photo
from edgeir.imaging.remarks import remarks
from edgeir.imaging.samples import FLOAT_TOLERANCE

from .conftest import cmyk_profile, packed, samples, smooth, tiff_bytes


def read(path: Path, content: bytes) -> np.ndarray:
    path.write_bytes(content)
    return read_photo(path).pixels


def full_range(levels: np.ndarray, bits: int) -> np.ndarray:
    white = 255 if bits <= 8 else 65535
    return np.rint(levels.astype(np.float64) * white / (2**bits - 1))


@settings(max_examples=60)
@given(
    bits=st.integers(1, 16),
    channels=st.sampled_from([1, 3]),
    order=st.sampled_from("<>"),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_every_depth_is_scaled_to_the_full_range(
    tmp_path_factory: pytest.TempPathFactory, bits: int, channels: int, order: str, height: int, width: int
) -> None:
    levels = np.random.default_rng(bits).integers(0, 2**bits, (height, width, channels))
    levels[0, 0], levels[-1, -1] = 0, 2**bits - 1
    data = levels.astype(f"{order}u2").tobytes() if bits == 16 else packed(levels, bits)
    path = tmp_path_factory.mktemp("depth") / "a.tif"
    pixels = read(path, tiff_bytes(data, (height, width), bits, channels, 2 if channels == 3 else 1, order))
    assert pixels.dtype == (np.uint8 if bits <= 8 else np.uint16)
    np.testing.assert_array_equal(pixels, full_range(levels, bits))


@pytest.mark.parametrize("bits", [1, 4, 8, 12])
def test_white_is_zero_and_reversed_bits(tmp_path: Path, bits: int) -> None:
    levels = np.random.default_rng(0).integers(0, 2**bits, (5, 7, 1))
    data = packed(levels, bits)
    white = read(tmp_path / "a.tif", tiff_bytes(data, (5, 7), bits, 1, 0))
    np.testing.assert_array_equal(white, full_range(2**bits - 1 - levels, bits))
    reversed_bits = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
    pixels = read(tmp_path / "b.tif", tiff_bytes(reversed_bits, (5, 7), bits, 1, 1, t266=(3, [2])))
    np.testing.assert_array_equal(pixels, full_range(levels, bits))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("scale", [1, 256, 257, None])
def test_palettes(tmp_path: Path, bits: int, scale: int | None) -> None:
    random = np.random.default_rng(0)
    levels = random.integers(0, 2**bits, (6, 5, 1))
    table = random.integers(0, 256 if scale else 65536, (3, 2**bits))
    tag = (3, [int(value) for value in (table * (scale or 1)).ravel()])
    pixels = read(tmp_path / "a.tif", tiff_bytes(packed(levels, bits), (6, 5), bits, 1, 3, t320=tag))
    assert pixels.dtype == (np.uint8 if scale else np.uint16)
    np.testing.assert_array_equal(pixels, table.T[levels[:, :, 0]])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("channels", [1, 3])
def test_floating_point(tmp_path: Path, dtype: str, channels: int) -> None:
    values = np.linspace(0, 1, 30 * channels).reshape(5, 6, channels).astype(dtype)
    photometric = "rgb" if channels == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=photometric)
    np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").pixels, np.rint(values.astype("f4") * 65535))


def test_floats_a_hair_out_of_range_are_clipped_with_a_remark(tmp_path: Path) -> None:
    values = np.linspace(-FLOAT_TOLERANCE * 0.9, 1.02, 30, dtype=np.float32).reshape(5, 6)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    with remarks() as said:
        pixels = read_photo(tmp_path / "a.tif").pixels
    np.testing.assert_array_equal(pixels[:, :, 0], np.rint(np.clip(values, 0, 1) * 65535))
    assert len(said) == 1
    assert "1.02; clipped" in said[0]


def test_larger_excess_is_refused_with_enough_digits(tmp_path: Path) -> None:
    limit = np.float32(1 + FLOAT_TOLERANCE)
    values = np.full((4, 4), np.nextafter(limit, np.float32(2)), np.float32)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    with pytest.raises(ImageError, match="to 1.0500001.*scale them to 0..1"):
        read_photo(tmp_path / "a.tif")
    for bad, words in (
        (values * 300, "to 315"),
        (values - 2, "from -0.9"),
        (values * np.nan, "NaN or infinite"),
    ):
        tifffile.imwrite(tmp_path / "a.tif", bad, photometric="minisblack")
        with pytest.raises(ImageError, match=words):
            read_photo(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", ["u1", "u2", "f2", "f4"])
@pytest.mark.parametrize("channels", [1, 3])
def test_premultiplied_alpha_is_divided_out(tmp_path: Path, dtype: str, channels: int) -> None:
    white = 1 if dtype[0] == "f" else np.iinfo(dtype).max
    random = np.random.default_rng(0)
    straight, alpha = random.random((20, 20, channels)), random.random((20, 20, 1))
    alpha[0] = 0
    both = np.concatenate([straight * alpha, alpha], axis=2) * white
    array = both.astype(dtype) if dtype[0] == "f" else np.rint(both).astype(dtype)
    photometric = "rgb" if channels == 3 else "minisblack"
    tifffile.imwrite(
        tmp_path / "a.tif", array, photometric=photometric, planarconfig="contig", extrasamples=["assocalpha"]
    )
    photo = read_photo(tmp_path / "a.tif")
    top = 255 if photo.bits == 8 else 65535
    assert photo.alpha is not None
    assert np.abs(photo.alpha / top - alpha[:, :, 0]).max() < 1 / 250
    clear = alpha[:, :, 0] > 0.3
    assert np.abs(photo.pixels / top - straight)[clear].max() < 1 / 100
    assert not photo.pixels[0].any()  # nothing shows there: kept as stored


def test_premultiplied_alpha_is_exact_where_it_can_be(tmp_path: Path) -> None:
    array = np.array([[[64, 128, 0, 128], [255, 10, 3, 255], [200, 100, 50, 100]]], np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", extrasamples=["assocalpha"])
    expected = [[[128, 255, 0], [255, 10, 3], [255, 255, 128]]]  # more than white is white
    np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").pixels, expected)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").pixels, array[:, :, :3])


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits", "zstd", "lzma"])
@pytest.mark.parametrize("bits", [8, 16])
def test_lossless_layouts(tmp_path: Path, compression: str | None, bits: int) -> None:
    pixels = samples(40, 50, 3, bits=bits)
    planes = np.moveaxis(pixels, -1, 0)
    for options in (
        {},
        {"tile": (16, 32)},
        {"bigtiff": True, "byteorder": ">"},
        {"rowsperstrip": 7, "predictor": compression in ("lzw", "zlib", "zstd", "lzma")},
    ):
        for array, config in ((pixels, "contig"), (planes, "separate")):
            tifffile.imwrite(
                tmp_path / "a.tif",
                array,
                photometric="rgb",
                planarconfig=config,
                compression=compression,
                **options,
            )
            np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").pixels, pixels)


@pytest.mark.parametrize("compression", ["jpeg", "tiff_lzw", "tiff_deflate", None])
def test_ycbcr(tmp_path: Path, compression: str | None) -> None:
    image = Image.fromarray(smooth(33, 50)).convert("YCbCr")
    image.save(tmp_path / "a.tif", compression=compression)
    found = read_photo(tmp_path / "a.tif").pixels.astype(int)
    assert np.abs(found - np.asarray(image.convert("RGB"))).max() <= (12 if compression == "jpeg" else 1)


@pytest.mark.skipif(not hasattr(imagecodecs, "CCITTFAX4"), reason="this imagecodecs cannot decode fax")
@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_fax(tmp_path: Path, compression: str) -> None:
    image = Image.fromarray(smooth(33, 50)).convert("1")
    image.save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").pixels[:, :, 0], np.asarray(image) * 255)


@pytest.mark.parametrize("config", ["contig", "separate"])
@pytest.mark.parametrize("bits", [8, 16])
def test_cmyk_without_a_profile(tmp_path: Path, bits: int, config: str) -> None:
    ink = samples(8, 9, 4, bits=bits)
    array = ink if config == "contig" else np.moveaxis(ink, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="separated", planarconfig=config)
    photo = read_photo(tmp_path / "a.tif")
    assert photo.bits == bits
    white = 2.0**bits - 1
    expected = (white - ink[:, :, :3]) * (white - ink[:, :, 3:]) / white
    assert np.abs(photo.pixels - expected).max() <= 1


@pytest.mark.parametrize("bits", [8, 16])
def test_cmyk_with_a_profile(tmp_path: Path, bits: int) -> None:
    white = 2**bits - 1
    ink = np.array(
        [[[0, 0, 0, 0], [0, 0, 0, white], [white, white, 0, 0], [0, 0, 0, white // 2]]], f"u{bits // 8}"
    )
    tifffile.imwrite(tmp_path / "a.tif", ink, photometric="separated", iccprofile=cmyk_profile())
    photo = read_photo(tmp_path / "a.tif")
    assert photo.icc is None
    found = photo.pixels[0] / white
    assert np.abs(found[0] - 1).max() < 0.01  # paper
    assert found[1].max() < 0.01
    assert np.abs(found[3] - 0.466).max() < 0.01  # L* 50; without the profile it would be 0.5


@pytest.mark.parametrize(("bits", "photometric"), [(8, 8), (16, 8), (8, 9), (16, 9)])
def test_lab(tmp_path: Path, bits: int, photometric: int) -> None:
    rgb = Image.fromarray(smooth(12, 15) // 2 + 60)
    lab = ImageCms.profileToProfile(
        rgb, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    stored = np.asarray(lab).astype(int)  # L of 255, a and b in two's complement
    lightness, ab = stored[:, :, :1] / 255, (stored[:, :, 1:] + 128) % 256 - 128
    unit = 2 ** (bits - 8)
    offset = 0 if photometric == 8 else 128 * unit
    values = np.concatenate(
        [np.rint(lightness * (256 * unit - 1)), (ab * unit + offset) % (256 * unit)], axis=2
    )
    content = tiff_bytes(values.astype(f"<u{bits // 8}").tobytes(), (12, 15), bits, 3, photometric)
    pixels = read(tmp_path / "a.tif", content)
    assert np.abs(pixels / (256 * unit - 1) * 255 - np.asarray(rgb)).max() < 4  # 8-bit a and b are coarse


REFUSED = [
    ("PhotometricInterpretation", tiff_bytes(bytes(20), (4, 5), 8, 1, None)),
    ("signed integers", tiff_bytes(bytes(20), (4, 5), 8, 1, 1, t339=(3, [2]))),
    ("undefined format", tiff_bytes(bytes(20), (4, 5), 8, 1, 1, t339=(3, [4]))),
    ("integer samples of 32 bits", tiff_bytes(bytes(80), (4, 5), 32, 1, 1)),
    ("ExtraSamples 0", tiff_bytes(bytes(80), (4, 5), 8, 4, 2, t338=(3, [0]))),
    ("no ExtraSamples", tiff_bytes(bytes(80), (4, 5), 8, 4, 2)),
    ("5 channels", tiff_bytes(bytes(100), (4, 5), 8, 5, 2, t338=(3, [2, 0]))),
    ("colour filter array", tiff_bytes(bytes(20), (4, 5), 8, 1, 32803)),
    ("linear raw", tiff_bytes(bytes(60), (4, 5), 8, 3, 34892)),
    ("transparency mask", tiff_bytes(bytes(20), (4, 5), 8, 1, 4)),
    ("photometric interpretation 77 .unknown", tiff_bytes(bytes(20), (4, 5), 8, 1, 77)),
    ("inks other than CMYK", tiff_bytes(bytes(80), (4, 5), 8, 4, 5, t332=(3, [2]))),
    ("DotRange", tiff_bytes(bytes(80), (4, 5), 8, 4, 5, t336=(3, [20, 235]))),
    ("subsampled or deep YCbCr", tiff_bytes(bytes(60), (4, 5), 8, 3, 6, t530=(3, [2, 2]))),
    ("compressed by method 34712", tiff_bytes(bytes(60), (4, 5), 8, 3, 2, t259=(3, [34712]))),
    ("compressed by method 6 ", tiff_bytes(bytes(60), (4, 5), 8, 3, 2, t259=(3, [6]))),
    ("premultiplied alpha over", tiff_bytes(bytes(100), (4, 5), 8, 5, 5, t338=(3, [1]))),
    ("strips or tiles are not in the file", tiff_bytes(bytes(60), (4, 5), 8, 3, 2)[:-1]),
]


@pytest.mark.parametrize(("words", "content"), REFUSED, ids=[words for words, _ in REFUSED])
def test_what_is_not_understood_is_refused_by_its_name(tmp_path: Path, words: str, content: bytes) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=words) as caught:
        read_photo(path)
    if "in the file" not in words:
        assert "damaged" not in str(caught.value)


def test_a_sound_file_that_cannot_be_decoded_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", samples(8, 9, 3), photometric="rgb", compression="lzma")

    def unknown(*_: object, **__: object) -> None:
        raise ValueError("a codec is not installed")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", unknown)
    with pytest.raises(ImageError, match="a codec is not installed.*if other programs show it, convert it"):
        read_photo(tmp_path / "a.tif")
