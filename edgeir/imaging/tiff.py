"""TIFF files of gray or RGB samples, by tifffile: Pillow reduces 16-bit RGB to 8 bits, does not know 16-bit gray with
alpha or floating-point RGB, and lets its native library talk on stderr about damaged ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.imaging.photo import EXIF_IFD, GPS_IFD
from edgeir.imaging.samples import Stored, check_size, split

__all__ = ["decode_tiff", "is_plain", "is_tiff"]

BITS_PER_SAMPLE, PHOTOMETRIC, ICC_PROFILE = 258, 262, 34675


def is_tiff(path: Path) -> bool:
    """By its first four bytes (classic or BigTIFF)."""
    with path.open("rb") as stream:
        return stream.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def is_plain(image: Any) -> bool:
    """Whether a TIFF that Pillow opened is gray or RGB of whole bytes, which `decode_tiff` takes."""
    bits = image.tag_v2.get(BITS_PER_SAMPLE, (1,))
    return min(bits) >= 8 and image.tag_v2.get(PHOTOMETRIC) in (0, 1, 2)


def decode_tiff(path: Path, max_pixels: int) -> Stored:
    """Decode a TIFF of one page; see `edgeir.imaging.read`."""
    import tifffile  # slow to load, rarely needed

    with tifffile.TiffFile(path) as file:
        if len(file.pages) > 1:
            pages = len(file.pages)
            raise ImageError(
                f"has {pages} pages, only single images are read", where=path, fix="extract them first"
            )
        page: Any = file.pages[0]
        check_size(path, page.imagewidth, page.imagelength, max_pixels)
        if page.photometric not in (0, 1, 2) or page.samplesperpixel > 4 or page.imagedepth > 1:
            raise ImageError(
                f"is a TIFF of {page.samplesperpixel} x {page.bitspersample} bits, photometric {int(page.photometric)}",
                where=path,
                fix="convert it to RGB or gray",
            )
        array = page.asarray()
        if page.planarconfig == 2 and page.samplesperpixel > 1:
            array = np.moveaxis(array, 0, -1)
        if page.photometric == 0:  # white is zero
            array = (1 - array) if array.dtype.kind == "f" else np.iinfo(array.dtype).max - array
    pixels, alpha = split(path, array)
    exif = Image.Exif()
    with path.open("rb") as stream:
        exif.load_from_fp(stream)
        icc = exif.get(ICC_PROFILE)
        for directory in (EXIF_IFD, GPS_IFD):
            exif.get_ifd(directory)  # read while the file is open
    return Stored(pixels, alpha, icc if isinstance(icc, bytes) else None, exif)
