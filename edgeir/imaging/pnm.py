"""Netpbm files (PBM, PGM, PPM) and gray PFM: headers, and binary samples of any depth.

Pillow reduces colour of more than 8 bits to 8. Samples run to the maximum that the header states, which need not be a
power of two less one.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.imaging.capacity import check_capacity
from edgeir.imaging.samples import Stored, check_size, split

__all__ = ["decode_pnm"]

_HEADER = re.compile(rb"P([1-6])" + rb"(?:\s+|\s*#[^\n]*\n)+(\d{1,9})" * 2)
_MAXIMUM = re.compile(rb"(?:\s+|\s*#[^\n]*\n)+(\d{1,9})\s")
_HEAD_BYTES = 16_384
_TEXT_BITS = {1: 8, 2: 16, 3: 48}
"""Least bits of a pixel written as text: a digit, or digits with blanks between them."""


def decode_pnm(path: Path, max_pixels: int) -> Stored:
    """Decode a Netpbm image; see `edgeir.imaging.read`."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head[:2] in (b"P7", b"PF"):
        raise ImageError(
            f"is of the format {'PAM' if head[:2] == b'P7' else 'colour PFM'}, which is not read",
            where=path,
            fix="convert it to PNG or TIFF",
        )
    match = _HEADER.match(head)
    if match is None:
        return _by_pillow(path, max_pixels)  # gray PFM, or a header that is none
    kind, width, height = (int(part) for part in match.groups())
    check_size(path, width, height, max_pixels)
    if kind < 5:
        bits = _TEXT_BITS.get(kind, 1)
        check_capacity(path, width, height, width * height * bits // 8 - 1, size)
        return _by_pillow(path, max_pixels)
    top = _MAXIMUM.match(head, match.end())
    if top is None or not 0 < int(top.group(1)) < 65536:
        raise ValueError("its header states no maximum between 1 and 65535")
    maximum, channels = int(top.group(1)), 3 if kind == 6 else 1
    dtype = np.dtype("u1" if maximum < 256 else ">u2")
    count = width * height * channels
    check_capacity(path, width, height, count * dtype.itemsize, size - top.end())
    samples = np.fromfile(path, dtype, count, offset=top.end()).reshape(height, width, channels)
    if int(samples.max()) > maximum:
        raise ImageError(
            f"has samples up to {samples.max()}, but its header states {maximum} as the maximum",
            where=path,
            fix="the file is damaged; copy or download it again",
        )
    if maximum not in (255, 65535):
        white = 255 if maximum < 256 else 65535
        levels = np.rint(np.arange(maximum + 1) * (white / maximum)).astype(f"u{dtype.itemsize}")
        samples = levels[samples]
    pixels, _ = split(path, samples.astype(dtype.newbyteorder("="), copy=False))
    return Stored(pixels, None, None, Image.Exif(), lossy=False)


def _by_pillow(path: Path, max_pixels: int) -> Stored:
    with Image.open(path, formats=("PPM",)) as image:
        check_size(path, image.width, image.height, max_pixels)
        if image.mode == "F":
            check_capacity(path, *image.size, 4 * image.width * image.height, path.stat().st_size)
        array = np.asarray(image.convert("L") if image.mode == "1" else image)
        if image.mode == "I":  # text of more than 8 bits, which Pillow scales to 16
            array = array.astype(np.uint16)
        pixels, alpha = split(path, array)
    return Stored(pixels, alpha, None, Image.Exif(), lossy=False)
