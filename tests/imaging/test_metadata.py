"""Resolution, colour tags and XMP: what goes from one file into another of any format."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from edgeir.core.errors import ImageError
from edgeir.imaging.colour_tags import ColourTags, profile_of
from edgeir.imaging.density import Density
from edgeir.imaging.files import Photo, check_writable, read_photo, write_photo
from edgeir.imaging.photo import clean_exif
from edgeir.imaging.png import png_chunk
from edgeir.imaging.remarks import remarks

from .conftest import SRGB, encoded, exif, samples, smooth, tags

SUFFIXES = [".png", ".jpg", ".tif", ".webp", ".bmp"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("source", [("PNG", ".png"), ("JPEG", ".jpg"), ("TIFF", ".tif"), ("BMP", ".bmp")])
@pytest.mark.parametrize("dpi", [72, 300])
def test_resolution_goes_from_every_format_to_every_other(
    tmp_path: Path, source: tuple[str, str], suffix: str, dpi: int
) -> None:
    kind, ending = source
    (tmp_path / f"in{ending}").write_bytes(encoded(smooth(9, 11), kind, dpi=(dpi, 2 * dpi)))
    photo = read_photo(tmp_path / f"in{ending}")
    assert photo.density == (dpi, 2 * dpi, True)
    larger = photo.with_pixels(np.repeat(photo.pixels, 2, axis=0), None)
    write_photo(larger, tmp_path / f"out{suffix}")
    assert read_photo(tmp_path / f"out{suffix}").density == (
        dpi,
        2 * dpi,
        True,
    )  # the same number for more pixels
    if suffix != ".webp":
        with Image.open(tmp_path / f"out{suffix}") as image:
            assert np.allclose([float(value) for value in image.info["dpi"]], (dpi, 2 * dpi), atol=0.01)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_the_shape_of_a_pixel(tmp_path: Path, suffix: str) -> None:
    write_photo(Photo(smooth(9, 11), density=Density(4, 3, per_inch=False)), tmp_path / f"a{suffix}")
    assert read_photo(tmp_path / f"a{suffix}").density == (4, 3, False)


def test_per_centimetre_and_nonsense(tmp_path: Path) -> None:
    content = bytearray(encoded(smooth(8, 8), "JPEG"))
    content[13:18] = struct.pack(">BHH", 2, 100, 100)
    (tmp_path / "a.jpg").write_bytes(content)
    assert read_photo(tmp_path / "a.jpg").density == pytest.approx((254, 254, True))
    for unit, number in ((0, 1), (1, 0)):
        content[13:18] = struct.pack(">BHH", unit, number, number)
        (tmp_path / "a.jpg").write_bytes(content)
        assert read_photo(tmp_path / "a.jpg").density is None


def test_resolution_turns_with_the_image(tmp_path: Path) -> None:
    block = exif()
    block[0x0112], block[0x011A], block[0x011B], block[0x0128] = 6, 300.0, 150.0, 2
    (tmp_path / "a.jpg").write_bytes(encoded(smooth(8, 12), "JPEG", exif=block, dpi=(300, 150)))
    photo = read_photo(tmp_path / "a.jpg")
    assert photo.density == (150, 300, True)
    main = tags(photo.exif)[0]
    assert (main[0x011A], main[0x011B]) == (150, 300)


# Tones: what a viewer with colour management shows of a file.


def shown(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        rgb = image.convert("RGB")
        icc = image.info.get("icc_profile")
        if not icc:
            return np.asarray(rgb).astype(int)
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        source = image if profile.profile.xcolor_space.strip() == "GRAY" else rgb
        converted = ImageCms.profileToProfile(
            source, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        return np.asarray(converted).astype(int)


def tagged(tmp_path: Path, *chunks: tuple[bytes, bytes], gray: bool = False) -> Photo:
    pixels = smooth(16, 20, 1)[:, :, 0] if gray else smooth(16, 20)
    content = encoded(pixels, "PNG")
    place = content.index(b"IDAT") - 4
    (tmp_path / "in.png").write_bytes(
        content[:place] + b"".join(png_chunk(*chunk) for chunk in chunks) + content[place:]
    )
    return read_photo(tmp_path / "in.png")


def srgb_coded(light: np.ndarray) -> np.ndarray:
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


P3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("gray", [False, True])
def test_linear_tones_become_a_profile(tmp_path: Path, suffix: str, gray: bool) -> None:
    photo = tagged(tmp_path, (b"gAMA", struct.pack(">I", 100_000)), gray=gray)
    if gray and suffix == ".webp":
        return
    write_photo(photo, tmp_path / f"a{suffix}")
    expected = srgb_coded(np.broadcast_to(photo.pixels, (16, 20, 3)) / 255)
    with Image.open(tmp_path / f"a{suffix}") as image:
        stored = np.asarray(image).reshape(16, 20, -1).astype(int)
    assert np.abs(stored - photo.pixels).max() <= 4  # the samples stay
    bright = np.broadcast_to(photo.pixels.min(axis=2, keepdims=True) > 40, expected.shape)
    assert np.abs(shown(tmp_path / f"a{suffix}") - expected)[bright].max() <= 6


def test_png_keeps_its_own_tags(tmp_path: Path) -> None:
    chunks = ((b"gAMA", struct.pack(">I", 100_000)), (b"cHRM", P3), (b"cICP", bytes((9, 16, 0, 1))))
    photo = tagged(tmp_path, *chunks)
    write_photo(photo, tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    for chunk in chunks:
        assert png_chunk(*chunk) in content
    assert read_photo(tmp_path / "a.png").colour == photo.colour
    srgb = tagged(tmp_path, (b"sRGB", b"\1"), (b"gAMA", struct.pack(">I", 45_455)))
    write_photo(srgb, tmp_path / "a.png")
    assert png_chunk(b"sRGB", b"\1") in (tmp_path / "a.png").read_bytes()
    write_photo(srgb, tmp_path / "a.jpg")
    assert read_photo(tmp_path / "a.jpg").icc is None  # sRGB is what no profile means


@pytest.mark.parametrize(("code", "name"), [(16, "PQ"), (18, "HLG")])
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp", ".bmp"])
def test_hdr_tones_go_into_a_png_only(tmp_path: Path, code: int, name: str, suffix: str) -> None:
    photo = tagged(tmp_path, (b"cICP", bytes((9, code, 0, 1))))
    with pytest.raises(ImageError, match=f"coded by {name} .HDR.*write a .png"):
        write_photo(photo, tmp_path / f"a{suffix}")
    with pytest.raises(ImageError, match="write a .png"):
        check_writable(tmp_path / f"a{suffix}", 8, 8, colour=photo.colour)
    assert not (tmp_path / f"a{suffix}").exists()
    check_writable(tmp_path / "a.png", 8, 8, colour=photo.colour)


def test_code_points_without_hdr_become_a_profile(tmp_path: Path) -> None:
    photo = tagged(tmp_path, (b"cICP", bytes((12, 13, 0, 1))))
    write_photo(photo, tmp_path / "a.tif")
    icc = read_photo(tmp_path / "a.tif").icc
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    red = ImageCms.profileToProfile(
        Image.new("RGB", (1, 1), (234, 51, 35)), profile, ImageCms.createProfile("sRGB")
    ).getpixel((0, 0))
    assert red[0] >= 254  # Display P3 (234, 51, 35) is about sRGB's red
    assert max(red[1:]) <= 6
    write_photo(photo, tmp_path / "a.png")  # for viewers that do not know cICP
    assert read_photo(tmp_path / "a.png").icc == icc


def test_ranks_of_colour_tags() -> None:
    linear = ColourTags(gamma=1.0)
    assert profile_of(None, SRGB, gray=False) == SRGB
    assert profile_of(linear, SRGB, gray=False) == SRGB  # a profile says more than gAMA
    assert profile_of(ColourTags(gamma=1.0, intent=0), None, gray=False) is None  # and so does sRGB
    assert profile_of(ColourTags(gamma=1.0, cicp=(1, 13, 0, 1)), SRGB, gray=False) is None
    assert profile_of(ColourTags(gamma=0.45455), None, gray=False) is None
    wide = ColourTags(gamma=0.45455, chromaticities=(0.31, 0.33, 0.7, 0.3, 0.2, 0.7, 0.15, 0.05))
    assert profile_of(wide, None, gray=False) is not None
    assert profile_of(linear, None, gray=True)[16:20] == b"GRAY"
    with pytest.raises(ValueError, match="77/1"):
        profile_of(ColourTags(cicp=(77, 1, 0, 1)), None, gray=False)


def test_bmp_says_that_it_drops_a_profile(tmp_path: Path) -> None:
    with remarks() as said:
        write_photo(Photo(smooth(8, 8), icc=SRGB), tmp_path / "a.bmp")
    assert said == [
        f"{tmp_path / 'a.bmp'}: a BMP holds no colour profile: viewers will take its colours for sRGB"
    ]


# XMP in files; what stays of it is tested in test_xmp.py.

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="sea"/></rdf:RDF></x:xmpmeta>'
)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize(
    ("kind", "ending"), [("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tif"), ("WEBP", "webp")]
)
def test_xmp_goes_from_every_format_to_every_other(
    tmp_path: Path, kind: str, ending: str, suffix: str
) -> None:
    write_photo(Photo(smooth(9, 11), xmp=XMP, exif=clean_exif(exif())), tmp_path / f"in.{ending}")
    with Image.open(tmp_path / f"in.{ending}") as image:  # other readers find it too
        assert image.info.get("xmp") == XMP
    photo = read_photo(tmp_path / f"in.{ending}")
    assert photo.xmp == XMP
    write_photo(photo, tmp_path / f"out{suffix}")
    back = read_photo(tmp_path / f"out{suffix}")
    assert back.xmp == XMP
    assert tags(back.exif)[0][0x010F] == "Maker"


def test_xmp_too_long_for_a_jpeg_is_left_out_with_a_remark(tmp_path: Path) -> None:
    long = XMP.replace(b"sea", b"sea" * 30_000)
    with remarks() as said:
        write_photo(Photo(smooth(8, 8), xmp=long), tmp_path / "a.jpg")
    assert read_photo(tmp_path / "a.jpg").xmp is None
    assert len(said) == 1
    assert "does not fit" in said[0]


# Lossy and lossless.


@pytest.mark.parametrize("transparent", [False, True])
def test_webp_is_as_its_source_was(tmp_path: Path, transparent: bool) -> None:
    noise = samples(64, 64, 3)
    alpha = samples(64, 64, seed=1) if transparent else None
    image = Image.fromarray(noise if alpha is None else np.dstack([noise, alpha]))
    (tmp_path / "lossy.webp").write_bytes(encoded(image, "WEBP", quality=80))
    (tmp_path / "exact.webp").write_bytes(encoded(image, "WEBP", lossless=True))
    (tmp_path / "a.jpg").write_bytes(encoded(noise, "JPEG"))
    (tmp_path / "a.png").write_bytes(encoded(image, "PNG"))
    for name, lossy in (("lossy.webp", True), ("exact.webp", False), ("a.jpg", True), ("a.png", False)):
        photo = read_photo(tmp_path / name)
        assert photo.lossy is lossy
        write_photo(photo, tmp_path / "out.webp")
        assert read_photo(tmp_path / "out.webp").lossy is lossy
        write_photo(photo, tmp_path / "out.webp", lossy=not lossy)
        assert read_photo(tmp_path / "out.webp").lossy is not lossy
    assert Photo(noise).lossy is None
    write_photo(Photo(noise), tmp_path / "out.webp")
    np.testing.assert_array_equal(read_photo(tmp_path / "out.webp").pixels, noise)
