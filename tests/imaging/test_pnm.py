"""Netpbm files: every maximum is scaled, and what a header may look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeir.core.errors import ImageError
from edgeir.imaging.files import read_photo

from .conftest import samples


@pytest.mark.parametrize("maximum", [1, 15, 100, 255, 256, 1023, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("text", [False, True])
def test_samples_run_to_the_stated_maximum(tmp_path: Path, maximum: int, channels: int, text: bool) -> None:
    levels = np.random.default_rng(0).integers(0, maximum + 1, (4, 5, channels))
    levels[0, 0] = maximum
    kind = (3 if channels == 3 else 2) if text else (6 if channels == 3 else 5)
    head = f"P{kind}\n# a remark\n5 4\n{maximum}\n".encode()
    binary = levels.astype("u1" if maximum < 256 else ">u2").tobytes()
    (tmp_path / "a").write_bytes(head + (" ".join(map(str, levels.ravel())).encode() if text else binary))
    pixels = read_photo(tmp_path / "a").pixels
    white = 255 if pixels.dtype == np.uint8 else 65535
    assert (white == 255) == (maximum < 256) or text
    assert np.abs(pixels / white - levels / maximum).max() <= (0.5 if not text else 1) / 255


def test_bits(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"P4 10 2\n" + bytes((0b10101010, 0b01000000, 255, 255)))
    pixels = read_photo(tmp_path / "a").pixels[:, :, 0]
    np.testing.assert_array_equal(pixels, [[0, 255] * 4 + [255, 0], [0] * 10])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 1\nMAXVAL 255\nENDHDR\n\0", "PAM"),
        (b"PF\n1 1\n-1.0\n" + bytes(12), "colour PFM"),
        (b"P5 2 2 100\n" + bytes((1, 2, 3, 101)), "samples up to 101"),
        (b"P5 2 2 70000\n" + bytes(8), "no maximum between"),
        (b"P5 2 2 255\n" + bytes(3), "can hold"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ImageError, match=words):
        read_photo(tmp_path / "a")


def test_comments_and_blanks_in_the_header(tmp_path: Path) -> None:
    pixels = samples(3, 4)
    (tmp_path / "a").write_bytes(b"P5 # one\n#two\n 4\t3 # three\n255\n" + pixels.tobytes())
    np.testing.assert_array_equal(read_photo(tmp_path / "a").pixels[:, :, 0], pixels)
