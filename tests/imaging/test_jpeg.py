"""JPEG files without their end, of four inks, and of kinds that are not read."""

from __future__ import annotations

import logging
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.imaging.files import read_photo
from edgeir.imaging.jpeg import read_header
from edgeir.imaging.remarks import remarks

from .conftest import encoded, smooth


def noisy(height: int, width: int, channels: int = 3) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 90, (height, width, channels))
    return np.clip(smooth(height, width, channels).astype(int) + noise - 45, 0, 255).astype(np.uint8)


KINDS = {
    "4:2:0": {},
    "4:4:4": {"subsampling": 0},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [1, 2])
def test_without_its_end_marker_no_pixel_is_missing(tmp_path: Path, kind: str, cut: int) -> None:
    content = encoded(noisy(160, 200), "JPEG", quality=85, **KINDS[kind])
    (tmp_path / "whole.jpg").write_bytes(content)
    (tmp_path / "cut.jpg").write_bytes(content[:-cut])
    with remarks() as said:
        pixels = read_photo(tmp_path / "cut.jpg").pixels
        whole = read_photo(tmp_path / "whole.jpg").pixels
    np.testing.assert_array_equal(pixels, whole)
    assert said == [f"{tmp_path / 'cut.jpg'}: the JPEG does not end as it should; all pixels are there"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_bytes_cost_the_last_pixels_which_the_remark_counts(tmp_path: Path, kind: str) -> None:
    content = encoded(noisy(160, 200), "JPEG", quality=85, **KINDS[kind])
    (tmp_path / "whole.jpg").write_bytes(content)
    (tmp_path / "cut.jpg").write_bytes(content[:-8])
    with remarks() as said:
        pixels = read_photo(tmp_path / "cut.jpg").pixels
    differs = (pixels != read_photo(tmp_path / "whole.jpg").pixels).any(axis=2)
    assert len(said) == 1
    assert "of 32000 pixels, at its end, are missing" in said[0]
    counted = int(said[0].split("about ")[1].split()[0])
    assert 0 < differs.sum() <= counted * 1.2
    assert not differs[:140].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_missing_image_data_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    content = encoded(noisy(160, 200), "JPEG", quality=85, **KINDS[kind])
    (tmp_path / "cut.jpg").write_bytes(content[: int(len(content) * share)])
    with remarks() as said, pytest.raises(ImageError, match="cannot be decoded"):
        read_photo(tmp_path / "cut.jpg")
    assert said == []


def test_a_progressive_file_without_its_last_scan_is_refused(tmp_path: Path) -> None:
    content = encoded(noisy(160, 200), "JPEG", quality=85, progressive=True)
    (tmp_path / "cut.jpg").write_bytes(content[: content.rindex(b"\xff\xda")])
    assert not read_header((tmp_path / "cut.jpg").read_bytes(), scans=True).complete
    with pytest.raises(ImageError, match="cannot be decoded"):
        read_photo(tmp_path / "cut.jpg")


def test_a_remark_is_a_warning_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cut.jpg").write_bytes(encoded(noisy(40, 40), "JPEG")[:-2])
    with caplog.at_level(logging.WARNING, logger="edgeir"):
        read_photo(tmp_path / "cut.jpg")
    assert [(record.levelname, record.name) for record in caplog.records] == [
        ("WARNING", "edgeir.imaging.remarks")
    ]


@pytest.mark.parametrize("stored", ["cmyk", "ycck"])
def test_four_inks_as_adobe_stores_them(tmp_path: Path, stored: str) -> None:
    ink = np.zeros((16, 16, 4), np.uint8)  # 0 is no ink
    ink[:, 8:, 0] = 255  # cyan
    ink[8:, :, 3] = 128
    content = imagecodecs.jpeg8_encode(
        np.ascontiguousarray(255 - ink), level=100, colorspace="cmyk", outcolorspace=stored, subsampling="444"
    )
    (tmp_path / "a.jpg").write_bytes(content)
    pixels = read_photo(tmp_path / "a.jpg").pixels.astype(int)
    for place, expected in (((2, 2), (255, 255, 255)), ((2, 13), (0, 255, 255)), ((13, 2), (127,) * 3)):
        assert np.abs(pixels[place] - expected).max() <= 4


def test_pillow_and_adobe_agree(tmp_path: Path) -> None:
    image = Image.fromarray(smooth(40, 40))
    (tmp_path / "a.jpg").write_bytes(encoded(image.convert("CMYK"), "JPEG", quality=98))
    assert np.abs(read_photo(tmp_path / "a.jpg").pixels.astype(int) - np.asarray(image)).mean() < 3


@pytest.mark.parametrize(
    ("marker", "bits", "words"),
    [(0xC1, 12, "JPEG of 12 bits"), (0xC3, 8, "lossless or hierarchical kind .SOF3"), (0xC5, 8, "SOF5")],
)
def test_kinds_that_are_not_read_are_named(tmp_path: Path, marker: int, bits: int, words: str) -> None:
    content = bytearray(encoded(smooth(16, 16), "JPEG"))
    place = content.index(b"\xff\xc0")
    content[place + 1], content[place + 4] = marker, bits
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageError, match=words) as caught:
        read_photo(tmp_path / "a.jpg")
    assert "damaged" not in str(caught.value)


def test_metadata_of_more_than_a_megabyte_before_the_image(tmp_path: Path) -> None:
    content = encoded(smooth(16, 16), "JPEG")
    padding = b"\xff\xed\xff\xff" + bytes(65_533)
    (tmp_path / "a.jpg").write_bytes(content[:2] + padding * 18 + content[2:])
    assert read_photo(tmp_path / "a.jpg").pixels.shape == (16, 16, 3)
