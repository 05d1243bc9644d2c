"""JPEG files of photographs, at quality 95 without chroma subsampling.

libjpeg-turbo (through imagecodecs) encodes straight from the array and gives no more than the file's bytes beside it;
Pillow would copy an RGB image to four bytes a pixel and take two more for its output. The metadata segments are put
behind the JFIF header that the encoder wrote.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgeir.imaging.density import Density
from edgeir.imaging.photo import Photo, to_8bit
from edgeir.imaging.remarks import remark

__all__ = ["JPEG_QUALITY", "JPEG_SEGMENT", "write_jpeg"]

JPEG_QUALITY = 95
JPEG_SEGMENT = 65_533
"""Bytes that a segment holds beside its length."""
_JFIF_END = 20
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"


def write_jpeg(photo: Photo, path: Path, *, name: Path, icc: bytes | None, exif: bytes | None) -> None:
    """Write a JPEG file at `path`; remarks call it `name`."""
    import imagecodecs  # slow to load

    pixels = to_8bit(photo.pixels)
    data = memoryview(
        imagecodecs.jpeg8_encode(
            np.ascontiguousarray(pixels[:, :, 0] if photo.gray else pixels),
            level=JPEG_QUALITY,
            subsampling="444",
        )
    )
    if bytes(data[:4]) != b"\xff\xd8\xff\xe0" or bytes(data[6:11]) != b"JFIF\0":
        raise ValueError("the JPEG encoder wrote no JFIF header")
    segments = b"".join(_segments(photo, name, icc, exif))
    with path.open("wb") as stream:
        stream.write(data[:13])
        stream.write(_jfif_density(photo.density))
        stream.write(data[18:_JFIF_END])
        stream.write(segments)
        stream.write(data[_JFIF_END:])


def _jfif_density(density: Density | None) -> bytes:
    """Unit, and two numbers of 16 bits."""
    if density is None:
        return struct.pack(">BHH", 0, 1, 1)
    x, y = (min(65_535, max(1, round(value))) for value in density[:2])
    return struct.pack(">BHH", int(density.per_inch), x, y)


def _segments(photo: Photo, name: Path, icc: bytes | None, exif: bytes | None) -> Iterator[bytes]:
    if exif:
        yield _segment(0xE1, exif)
    if photo.xmp:
        if len(_XMP) + len(photo.xmp) <= JPEG_SEGMENT:
            yield _segment(0xE1, _XMP + photo.xmp)
        else:
            remark(name, f"its XMP of {len(photo.xmp)} bytes does not fit into a JPEG and is left out")
    if icc:
        room = JPEG_SEGMENT - len(_ICC) - 2
        parts = [icc[start : start + room] for start in range(0, len(icc), room)]
        if len(parts) > 255:
            remark(name, f"its ICC profile of {len(icc)} bytes does not fit into a JPEG and is left out")
            return
        for number, part in enumerate(parts, 1):
            yield _segment(0xE2, _ICC + bytes((number, len(parts))) + part)


def _segment(code: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(body) + 2) + body
