"""Write a `Photo` to a file whose suffix decides the format; the file is whole or absent.

PNG and TIFF keep 8 or 16 bits and alpha, WebP (lossless) and BMP are 8-bit, JPEG is 8-bit without alpha at
quality 95 without chroma subsampling. A deeper photo is rounded to the 8 bits of the format. PNG and TIFF are
encoded straight from the array (`edgeir.imaging.png`, tifffile): Pillow has no 16-bit RGB and would first copy an 8-bit
one to four bytes per pixel.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from edgeir.core.errors import ImageError
from edgeir.core.files import atomic_file
from edgeir.imaging.photo import EXIF_IFD, GPS_IFD, Photo, exif_for_size, to_8bit
from edgeir.imaging.png import png_chunk, write_png

__all__ = ["JPEG_QUALITY", "WRITE_SUFFIXES", "check_writable", "write_photo"]

JPEG_QUALITY = 95
WRITE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
LONGEST_SIDE = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}
JPEG_SEGMENT = 65_533


def check_writable(path: str | Path, width: int, height: int, *, transparent: bool = False) -> None:
    """Raise `ImageError` when the format that `path`'s suffix names cannot hold such an image."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITE_SUFFIXES:
        named = (
            f"the suffix `{path.suffix}` names no format that is written"
            if suffix
            else "the name has no suffix"
        )
        raise ImageError(named, where=path, fix=f"use one of {', '.join(WRITE_SUFFIXES)}")
    longest = LONGEST_SIDE.get(suffix)
    if longest is not None and max(width, height) > longest:
        raise ImageError(
            f"{width} x {height} pixels are more than this format holds ({longest} a side)",
            where=path,
            fix="write a .png or .tif",
        )
    if transparent and suffix in (".jpg", ".jpeg", ".bmp"):
        raise ImageError(
            "the image is transparent, which this format cannot hold",
            where=path,
            fix="write a .png, .tif or .webp",
        )


def write_photo(photo: Photo, path: str | Path) -> None:
    """Write a photo, replacing `path`.

    Raises:
        ImageError: the suffix names no format that is written, or one that cannot hold this photo (an alpha
            that is opaque everywhere is simply left out where the format has none).
        OutputError: the disk is full, no permission, ...
    """
    path = Path(path)
    top = 255 if photo.bits == 8 else 65535
    transparent = photo.alpha is not None and bool((photo.alpha != top).any())
    check_writable(path, photo.width, photo.height, transparent=transparent)
    suffix = path.suffix.lower()
    exif = None
    if photo.exif is not None:
        limit = JPEG_SEGMENT if suffix in (".jpg", ".jpeg") else None
        exif = exif_for_size(photo.exif, photo.width, photo.height, limit)
    writers: dict[str, Callable[[Photo, Path, bytes | None], None]] = {
        ".png": _write_png,
        ".tif": _write_tiff,
        ".tiff": _write_tiff,
        ".jpg": _write_jpeg,
        ".jpeg": _write_jpeg,
        ".webp": _write_webp,
        ".bmp": _write_bmp,
    }
    with atomic_file(path) as temporary:
        writers[suffix](photo, temporary, exif)


def _join(photo: Photo) -> NDArray[Any]:
    if photo.alpha is None:
        return np.ascontiguousarray(photo.pixels)
    return np.concatenate([photo.pixels, photo.alpha[:, :, None]], axis=2)


def _write_png(photo: Photo, path: Path, exif: bytes | None) -> None:
    more = b""
    if photo.icc:
        more += png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(photo.icc))
    if exif:
        more += png_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    with path.open("wb") as stream:
        write_png(stream, _join(photo), before_pixels=more)


def _pillow(photo: Photo, *, alpha: bool) -> Image.Image:
    pixels = to_8bit(photo.pixels)
    if alpha and photo.alpha is not None:
        return Image.fromarray(np.concatenate([pixels, to_8bit(photo.alpha)[:, :, None]], axis=2))
    return Image.fromarray(pixels[:, :, 0] if photo.gray else pixels)


def _write_jpeg(photo: Photo, path: Path, exif: bytes | None) -> None:
    image = _pillow(photo, alpha=False)
    image.save(
        path,
        "JPEG",
        quality=JPEG_QUALITY,
        subsampling="4:4:4",
        icc_profile=photo.icc or b"",
        exif=exif or b"",
    )


def _write_webp(photo: Photo, path: Path, exif: bytes | None) -> None:
    image = _pillow(photo, alpha=True)
    if image.mode in ("L", "LA"):
        image = image.convert("RGB" if image.mode == "L" else "RGBA")  # WebP has no gray
    icc = b"" if photo.gray else photo.icc  # a gray profile does not fit either
    image.save(path, "WEBP", lossless=True, exact=True, icc_profile=icc or b"", exif=exif or b"")


def _write_bmp(photo: Photo, path: Path, exif: bytes | None) -> None:
    _pillow(photo, alpha=False).save(path, "BMP")


def _write_tiff(photo: Photo, path: Path, exif: bytes | None) -> None:
    import tifffile  # slow to load

    array = _join(photo)
    tags, details = _tiff_tags(exif)
    tifffile.imwrite(
        path,
        array[:, :, 0] if array.shape[2] == 1 else array,
        photometric="minisblack" if photo.gray else "rgb",
        planarconfig="contig",
        extrasamples=["unassalpha"] if photo.alpha is not None else None,
        compression="zlib",
        predictor=True,
        rowsperstrip=64,
        iccprofile=photo.icc,
        metadata=None,
        software=False,
        bigtiff=array.nbytes > 3 << 30,
        byteorder="<",
        extratags=tags,
    )
    if details:
        _append_directories(path, details)


def _tiff_tags(exif: bytes | None) -> tuple[list[Any], dict[int, Any]]:
    """Text tags for the main directory, and the sub-directories to append behind the image."""
    if exif is None:
        return [], {}
    block = Image.Exif()
    block.load(exif)
    tags: list[Any] = [(tag, "s", 0, value, True) for tag, value in block.items() if isinstance(value, str)]
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
            place = _end(stream)
            stream.write(directory.tobytes(place))
            entries.append(struct.pack("<HHII", tag, 4, 1, place))
        entries.sort(key=lambda entry: struct.unpack("<H", entry[:2]))
        main = _end(stream)
        stream.write(struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4))
        stream.seek(4)
        stream.write(struct.pack("<I", main))


def _end(stream: BinaryIO) -> int:
    place = stream.seek(0, 2)
    return stream.seek(place + place % 2)
