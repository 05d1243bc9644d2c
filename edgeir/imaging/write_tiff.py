"""TIFF files of photographs: 8 or 16 bits, deflated, with the metadata that tifffile itself does not write."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from edgeir.imaging.density import RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION
from edgeir.imaging.photo import EXIF_IFD, GPS_IFD, Photo

__all__ = ["write_tiff"]

_XMP = 700
_RATIO, _INCH = 1, 2
_BYTE = 1
_BIG = 3 << 30


def write_tiff(photo: Photo, path: Path, *, icc: bytes | None, exif: bytes | None) -> None:
    """Write a TIFF file at `path`."""
    import tifffile  # slow to load

    array: Any = photo.pixels
    if photo.alpha is not None:
        array = np.concatenate([photo.pixels, photo.alpha[:, :, None]], axis=2)
    tags, details = _tags(exif)
    if photo.xmp:
        tags.append((_XMP, _BYTE, len(photo.xmp), photo.xmp, True))
    density = photo.density
    tifffile.imwrite(
        path,
        array[:, :, 0] if array.shape[2] == 1 else array,
        photometric="minisblack" if photo.gray else "rgb",
        planarconfig="contig",
        extrasamples=["unassalpha"] if photo.alpha is not None else None,
        compression="zlib",
        predictor=True,
        rowsperstrip=64,
        iccprofile=icc,
        metadata=None,
        software=False,
        bigtiff=array.nbytes > _BIG,
        byteorder="<",
        extratags=tags,
        resolution=(density.x, density.y) if density else None,
        resolutionunit=(_INCH if density.per_inch else _RATIO) if density else None,
    )
    if details:
        _append_directories(path, details)


def _tags(exif: bytes | None) -> tuple[list[Any], dict[int, Any]]:
    """Text tags for the main directory, and the sub-directories to append behind the image."""
    if exif is None:
        return [], {}
    block = Image.Exif()
    block.load(exif)
    tags: list[Any] = [
        (tag, "s", 0, value, True)
        for tag, value in block.items()
        if isinstance(value, str) and tag not in (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT)
    ]
    return tags, {tag: block.get_ifd(tag) for tag in (EXIF_IFD, GPS_IFD) if block.get_ifd(tag)}


def _append_directories(path: Path, details: dict[int, Any]) -> None:
    """Add EXIF and GPS directories to a little-endian TIFF of one page (tifffile writes none).

    They go behind the image, followed by a copy of the main directory that points to them; last the header is
    pointed to that copy. A BigTIFF (over 3 GiB) is left as it is.
    """
    with path.open("r+b") as stream:
        magic, main = struct.unpack("<4sI", stream.read(8))
        if magic != b"II*\0":
            return
        stream.seek(main)
        (count,) = struct.unpack("<H", stream.read(2))
        entries = [stream.read(12) for _ in range(count)]
        for tag, values in details.items():
            directory = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\0\0\0\0")
            for key, value in values.items():
                directory[key] = value
            offset = _end(stream)
            stream.write(directory.tobytes(offset))
            entries.append(struct.pack("<HHII", tag, 4, 1, offset))
        entries.sort(key=lambda entry: struct.unpack("<H", entry[:2]))
        main = _end(stream)
        stream.write(struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4))
        stream.seek(4)
        stream.write(struct.pack("<I", main))


def _end(stream: BinaryIO) -> int:
    offset = stream.seek(0, 2)
    return stream.seek(offset + offset % 2)
