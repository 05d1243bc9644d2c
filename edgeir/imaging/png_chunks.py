"""The chunks of a PNG file: every checksum is verified before anything is decoded.

Decoders check little: Pillow does not verify the checksums of the pixels, so that one of a hundred changed bytes gave a
different image without an error. A file with any wrong checksum is refused, whichever chunk it is in: the checksum also
covers the name of the chunk, so a damaged chunk may have been the pixels or the transparency.
"""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from edgeir.core.errors import ImageError
from edgeir.imaging.capacity import check_file_capacity
from edgeir.imaging.density import Density, density_of_metres, density_of_tags
from edgeir.imaging.samples import check_size

__all__ = ["PngFile", "read_png_file"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_AGAIN = "the file is damaged; copy or download it again"
_LARGEST_TEXT = 64 << 20
"""Bytes that a compressed chunk may unpack to."""
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_EXIF_TEXTS = (b"Raw profile type exif", b"Raw profile type APP1")
_XMP_TEXT = b"XML:com.adobe.xmp"


@dataclass
class PngFile:
    """A PNG file as far as it is not pixels.

    Attributes:
        bare: a PNG of the same pixels and transparency without any other chunk.
        frames: over 1 for an animation.
        chunks: the first of each ancillary chunk by its name.
        texts: text chunks by keyword, unpacked.
    """

    bare: bytes
    width: int
    height: int
    frames: int = 1
    chunks: dict[bytes, bytes] = field(default_factory=dict)
    texts: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def icc(self) -> bytes | None:
        name, separator, rest = self.chunks.get(b"iCCP", b"").partition(b"\0")
        return _inflated(rest[1:]) if name and separator else None

    @property
    def exif(self) -> bytes | None:
        """The EXIF block without its prefix."""
        data = self.chunks.get(b"eXIf")
        if data is None:  # ImageMagick's older way: hexadecimal digits behind a name and a length
            text = next((self.texts[name] for name in _EXIF_TEXTS if name in self.texts), b"")
            match = re.match(rb"\s*\w+\s+\d+\s+([0-9a-fA-F\s]+)$", text)
            digits = re.sub(rb"\s", b"", match.group(1)) if match else b""
            data = binascii.unhexlify(digits) if digits and len(digits) % 2 == 0 else None
        return None if data is None else data.removeprefix(b"Exif\0\0")

    @property
    def xmp(self) -> bytes | None:
        return self.texts.get(_XMP_TEXT)

    @property
    def density(self) -> Density | None:
        data = self.chunks.get(b"pHYs", b"")
        if len(data) != 9:
            return None
        x, y, unit = struct.unpack(">IIB", data)
        return density_of_metres(x, y) if unit == 1 else density_of_tags(x, y, 1)


def read_png_file(path: Path, max_pixels: int) -> PngFile:
    """Read all chunks of a PNG and verify their checksums.

    Raises:
        ImageError: a wrong checksum, a missing part, a header that is none, or one that states more pixels than
            `max_pixels` or than the file can hold.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        if stream.read(8) != _SIGNATURE:
            raise ImageError("cannot be decoded: its PNG signature is wrong", where=path, fix=_AGAIN)
        kind, data = _chunk(path, stream, size)
        if kind != b"IHDR" or len(data) != 13:
            raise ImageError("cannot be decoded: it does not begin with a PNG header", where=path, fix=_AGAIN)
        width, height, depth, colour = struct.unpack(">IIBB", data[:10])
        check_size(path, width, height, max_pixels)
        bits = depth * _CHANNELS.get(colour, 4)
        check_file_capacity(path, "PNG", width, height, bits)
        png = PngFile(b"", width, height)
        kept = [_SIGNATURE, _framed(kind, data)]
        pixels = False
        while kind != b"IEND":
            kind, data = _chunk(path, stream, size)
            if kind in (b"IDAT", b"IEND", b"tRNS") or (kind == b"PLTE" and colour == 3):
                kept.append(_framed(kind, data))
                pixels |= kind == b"IDAT"
            elif kind == b"acTL" and len(data) == 8:
                png.frames = struct.unpack(">I", data[:4])[0]
            elif kind in (b"tEXt", b"zTXt", b"iTXt"):
                _add_text(png.texts, kind, data)
            elif not kind[0] & 32 and kind != b"PLTE":
                raise ImageError(
                    f"has the unknown chunk {kind.decode('latin-1')!r}, without which it must not be shown",
                    where=path,
                    fix="convert it to an ordinary PNG",
                )
            else:
                png.chunks.setdefault(kind, data)
    if not pixels:
        raise ImageError("cannot be decoded: it holds no pixels", where=path, fix=_AGAIN)
    png.bare = b"".join(kept)
    return png


def _chunk(path: Path, stream: BinaryIO, size: int) -> tuple[bytes, bytes]:
    start = stream.tell()
    head = stream.read(8)
    length = int.from_bytes(head[:4], "big")
    if len(head) < 8 or start + length + 12 > size:
        raise ImageError("cannot be decoded: the file is truncated", where=path, fix=_AGAIN)
    data = stream.read(length)
    if zlib.crc32(data, zlib.crc32(head[4:])) != int.from_bytes(stream.read(4), "big"):
        raise ImageError(
            f"cannot be decoded: the checksum of the chunk {head[4:].decode('latin-1')!r} at byte {start} is wrong",
            where=path,
            fix=_AGAIN,
        )
    return head[4:], data


def _framed(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _add_text(texts: dict[bytes, bytes], kind: bytes, data: bytes) -> None:
    keyword, _, rest = data.partition(b"\0")
    text: bytes | None = rest
    if kind == b"zTXt":
        text = _inflated(rest[1:])
    elif kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:]
        text = rest.partition(b"\0")[2].partition(b"\0")[2]  # behind the language and the translated keyword
        text = _inflated(text) if packed else text
    if text is not None:
        texts.setdefault(keyword, text)


def _inflated(data: bytes) -> bytes | None:
    worker = zlib.decompressobj()
    try:
        result = worker.decompress(data, _LARGEST_TEXT)
    except zlib.error:
        return None
    return result if worker.eof else None
