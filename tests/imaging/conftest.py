"""What the tests of image files share: random samples, an EXIF block, profiles, and bytes of files made by hand."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from edgeir.core.errors import ImageError

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


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def one_line(error: ImageError, path: Path) -> bool:
    return "\n" not in str(error) and str(error).startswith(str(path)) and error.fix is not None


def encoded(image: Image.Image | np.ndarray, kind: str, **options: Any) -> bytes:
    """The bytes of a file that Pillow writes."""
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **options)
    return stream.getvalue()


def smooth(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Slopes and a bow, uint8: what lossy formats keep nearly as it is."""
    y, x = np.mgrid[:height, :width]
    planes = [
        x * 255 // max(1, width - 1),
        y * 255 // max(1, height - 1),
        (x + y) * 255 // (height + width - 2),
    ]
    return np.stack(planes[:channels], axis=2).astype(np.uint8)


def packed(levels: np.ndarray, bits: int) -> bytes:
    """Rows of unsigned integers of `bits` each, highest bit first; every row begins with a byte."""
    rows = levels.reshape(len(levels), -1)
    places = np.arange(bits - 1, -1, -1)
    binary = (rows[:, :, None] >> places & 1).astype(np.uint8).reshape(len(rows), -1)
    return np.packbits(binary, axis=1).tobytes()


def tiff_bytes(
    data: bytes,
    size: tuple[int, int],
    bits: int,
    channels: int,
    photometric: int | None,
    order: str = "<",
    **more: Any,
) -> bytes:
    """A TIFF of one strip by hand; `more` are further tags, ``t338=(3, [1])`` for the number, type and values."""
    height, width = size
    tags: dict[int, tuple[int, list[int]]] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [bits] * channels),
        259: (3, [1]),
        273: (4, [0]),
        277: (3, [channels]),
        278: (4, [height]),
        279: (4, [len(data)]),
    }
    if photometric is not None:
        tags[262] = (3, [photometric])
    tags.update({int(name[1:]): value for name, value in more.items()})
    place = 8 + 2 + 12 * len(tags) + 4
    extra = b""
    fields = {}
    for tag, (kind, values) in tags.items():
        value = struct.pack(order + {1: "B", 3: "H", 4: "I"}[kind] * len(values), *values)
        if len(value) > 4:
            value, extra = struct.pack(order + "I", place + len(extra)), extra + value + bytes(len(value) % 2)
        fields[tag] = struct.pack(order + "HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    fields[273] = struct.pack(order + "HHII", 273, 4, 1, place + len(extra))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(tags))
    return head + b"".join(fields[tag] for tag in sorted(fields)) + bytes(4) + extra + data


def cmyk_profile() -> bytes:
    """An ICC profile of four inks by hand: L* falls from 100 to 0 with K, a little with the others."""
    corners = [
        (round(max(0.0, 100 - 100 * k - 15 * (c + m + y)) * 2.55), 128, 128)
        for c in (0, 1)
        for m in (0, 1)
        for y in (0, 1)
        for k in (0, 1)
    ]
    ramp = bytes(range(256))
    unit = b"".join(struct.pack(">i", 65536 if index % 4 == 0 else 0) for index in range(9))
    table = (
        b"mft1"
        + bytes(4)
        + bytes((4, 3, 2, 0))
        + unit
        + ramp * 4
        + bytes(np.array(corners, np.uint8))
        + ramp * 3
    )
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    words = b"desc" + bytes(4) + struct.pack(">I", 5) + b"inks\0" + bytes(78)
    right = b"text" + bytes(4) + b"none\0"
    parts = [(b"A2B0", table), (b"wtpt", white), (b"desc", words), (b"cprt", right)]
    place, index, body = 128 + 4 + 12 * len(parts), b"", b""
    for name, part in parts:
        index += name + struct.pack(">II", place + len(body), len(part))
        body += part + bytes(-len(part) % 4)
    head = struct.pack(">I4sI4s4s4s", place + len(body), bytes(4), 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += (
        struct.pack(">6H", 2020, 1, 1, 0, 0, 0)
        + b"acsp"
        + bytes(24)
        + struct.pack(">4x3i", 63190, 65536, 54061)
    )
    return head.ljust(128, b"\0") + struct.pack(">I", len(parts)) + index + body
