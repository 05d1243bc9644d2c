"""AVIF and HEIC: still images in a box structure (ISO/IEC 23008-12).

AVIF is decoded by Pillow, and by imagecodecs where it has more than 8 bits, which Pillow would reduce; HEIC by the
optional package `pillow-heif`. The properties of the main image (depth, code points of its colours)
and the other images in the file are read from the boxes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.core.requires import require
from edgeir.imaging.colour_tags import ColourTags
from edgeir.imaging.density import density_of_exif
from edgeir.imaging.photo import ORIENTATION, loaded_exif
from edgeir.imaging.remarks import remark
from edgeir.imaging.samples import Stored, check_size, split

__all__ = ["HeifFile", "decode_avif", "decode_heic", "read_heif_boxes"]

_PLAIN_CODES = ((1, 13), (2, 2), (1, 2), (2, 13))
"""Primaries and transfer functions that are sRGB, or unspecified and taken for it."""


@dataclass
class HeifFile:
    """The main image's properties: kind and body of each in order; and the types of all items."""

    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    items: list[bytes] = field(default_factory=list)

    @property
    def bits(self) -> int:
        """Depth of a sample; 8 where nothing states it."""
        for kind, body in self.properties:
            if kind == b"pixi" and len(body) > 5:
                return max(body[5:])
            if kind == b"av1C" and len(body) > 2:
                return 12 if body[2] & 0x20 else 10 if body[2] & 0x40 else 8
        return 8

    @property
    def colour(self) -> ColourTags | None:
        for kind, body in self.properties:
            if kind == b"colr" and body[:4] == b"nclx" and len(body) >= 10:
                primaries, transfer = (int.from_bytes(body[start : start + 2], "big") for start in (4, 6))
                if (primaries, transfer) in _PLAIN_CODES or max(primaries, transfer) > 255:
                    return None
                return ColourTags(cicp=(primaries, transfer, 0, 1))
        return None


def read_heif_boxes(data: bytes) -> HeifFile:
    """Read the `meta` box; whatever is missing or malformed counts as not stated."""
    result = HeifFile()
    meta = next((body for kind, body in _boxes(data) if kind == b"meta"), b"")[4:]
    boxes = dict(_boxes(meta))
    main = boxes.get(b"pitm", b"")
    number = int.from_bytes(main[4:], "big") if main else -1
    for kind, body in _boxes(boxes.get(b"iinf", b"")[6 if boxes.get(b"iinf", b"\0")[:1] == b"\0" else 8 :]):
        if kind == b"infe" and body[:1] in (b"\2", b"\3"):
            offset = 8 if body[0] == 2 else 10
            result.items.append(body[offset : offset + 4])
    described = dict(_boxes(boxes.get(b"iprp", b"")))
    properties = list(_boxes(described.get(b"ipco", b"")))
    for index in _associated(described.get(b"ipma", b""), number):
        if 0 < index <= len(properties):
            result.properties.append(properties[index - 1])
    return result


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 0
    while offset + 8 <= len(data):
        length, kind, start = (
            int.from_bytes(data[offset : offset + 4], "big"),
            data[offset + 4 : offset + 8],
            offset + 8,
        )
        if length == 1:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = len(data) if length == 0 else offset + length
        if end < start:
            return
        yield kind, data[start:end]
        offset = end


def _associated(body: bytes, item: int) -> Iterator[int]:
    """The indices (from 1) of an item's properties."""
    if len(body) < 8:
        return
    wide_item, wide_index = body[0] >= 1, body[3] & 1
    offset = 8
    for _ in range(int.from_bytes(body[4:8], "big")):
        size = 4 if wide_item else 2
        number, count = (
            int.from_bytes(body[offset : offset + size], "big"),
            body[offset + size : offset + size + 1],
        )
        offset += size + 1
        if not count:
            return
        for _ in range(count[0]):
            step = 2 if wide_index else 1
            if number == item:
                yield int.from_bytes(body[offset : offset + step], "big") & (0x7FFF if wide_index else 0x7F)
            offset += step


def decode_avif(path: Path, max_pixels: int) -> Stored:
    """Decode an AVIF still image; see `edgeir.imaging.read`."""
    data = path.read_bytes()
    boxes = read_heif_boxes(data)
    with Image.open(path, formats=("AVIF",)) as image:
        check_size(path, image.width, image.height, max_pixels)
        if getattr(image, "n_frames", 1) > 1:
            raise ImageError(
                "is an animation, only single images are read", where=path, fix="extract one image"
            )
        exif, icc, xmp = loaded_exif(image), image.info.get("icc_profile"), image.info.get("xmp")
        if boxes.bits > 8:
            import imagecodecs  # slow to load, rarely needed

            array: Any = imagecodecs.avif_decode(data)
            if array.shape[:2] != (image.height, image.width):
                raise ValueError("its decoders disagree about its size")
            pixels, alpha = split(path, array, bits=boxes.bits)
        else:
            pixels, alpha = split(path, np.asarray(image))
    if b"tmap" in boxes.items:
        remark(path, "its gain map (HDR) is not carried over: the result is the ordinary image")
    colour = None if icc else boxes.colour
    return Stored(pixels, alpha, icc, exif, xmp=xmp, density=density_of_exif(exif), colour=colour)


def decode_heic(path: Path, max_pixels: int) -> Stored:
    """Decode a HEIC still image, which libheif turns upright; see `edgeir.imaging.read`."""
    heif: Any = require("pillow_heif", "reading HEIC")
    file = heif.open_heif(path, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    check_size(path, file.size[0], file.size[1], max_pixels)
    if len(file) > 1:
        raise ImageError(
            f"has {len(file)} images, only single images are read", where=path, fix="extract one of them"
        )
    info, mode = file.info, file.mode
    if info.get("depth_images"):
        remark(path, "its depth map is not carried over")
    if any("gainmap" in str(kind).lower() for kind in info.get("aux", {})):
        remark(path, "its gain map (HDR) is not carried over: the result is the ordinary image")
    bits = int(info.get("bit_depth", 8))
    # A copy: before 1.6 pillow-heif frees the memory of the decoder, which a view does not keep alive.
    decoded = np.array(file)
    pixels, alpha = split(path, decoded, bits=bits, premultiplied=mode.partition(";")[0].endswith("a"))
    exif = loaded_exif(info.get("exif"))
    exif.pop(ORIENTATION, None)
    icc, code = info.get("icc_profile"), info.get("nclx_profile") or {}
    cicp = (int(code.get("color_primaries", 2)), int(code.get("transfer_characteristics", 2)), 0, 1)
    colour = None if icc or cicp[:2] in _PLAIN_CODES else ColourTags(cicp=cicp)
    return Stored(
        pixels,
        alpha,
        icc,
        exif,
        xmp=info.get("xmp"),
        density=density_of_exif(exif),
        colour=colour,
        lossy=True,
    )
