"""TIFF files, by tifffile: Pillow reduces 16-bit RGB to 8 bits, does not know 16-bit gray with alpha, floating-point
RGB or 16-bit CMYK, and lets its native library print to stderr about damaged ones.

Read are gray, RGB, palette, CMYK, CIE L*a*b* and YCbCr images of 1 to 16 bits a sample or floating point, with or
without alpha (straight or premultiplied), in strips, tiles or planes, classic and BigTIFF. A file that states anything
else, or does not state what its samples mean, is refused with the name of the unknown feature.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.imaging.capacity import check_capacity
from edgeir.imaging.colour import cmyk_to_rgb, lab_to_rgb, palette_colours, ycbcr_to_rgb
from edgeir.imaging.density import RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION, Density, density_of_tags
from edgeir.imaging.photo import DESCRIPTIVE, EXIF_IFD, GPS_IFD, ORIENTATION
from edgeir.imaging.samples import Stored, check_size, scaled, split
from edgeir.imaging.tiff_meaning import (
    BLACK_IS_ZERO,
    CIE_LAB,
    CMYK,
    COLOURS,
    COMPRESSIONS,
    JPEG,
    LOSSY,
    PALETTE,
    RGB,
    WHITE_IS_ZERO,
    YCBCR,
    check_meaning,
    tag_fractions,
    tag_values,
)
from edgeir.imaging.tiff_pages import main_page

__all__ = ["decode_tiff"]

COLOUR_MAP, YCBCR_WEIGHTS, YCBCR_RANGES, XMP, ICC_PROFILE = 320, 529, 532, 700, 34675


def decode_tiff(path: Path, max_pixels: int) -> Stored:
    """Decode the main image of a TIFF; see `edgeir.imaging.read`."""
    import tifffile  # slow to load, rarely needed

    with tifffile.TiffFile(path) as file:
        page = main_page(path, file)
        check_size(path, page.imagewidth, page.imagelength, max_pixels)
        alpha = check_meaning(path, page)
        _check_data(path, page)
        array = page.asarray(maxworkers=1)
        array = array.reshape(page.shaped[0], page.imagelength, page.imagewidth, -1)
        array = np.moveaxis(array, 0, 2).reshape(page.imagelength, page.imagewidth, -1)
        icc = _bytes(page, ICC_PROFILE)
        pixels, opacity = _in_rgb(path, page, array, icc, alpha)
        exif = _exif(path, file, page)
        return Stored(
            pixels,
            opacity,
            icc,
            exif,
            xmp=_bytes(page, XMP),
            density=_density(page),
            lossy=int(page.compression) in LOSSY,
        )


def _exif(path: Path, file: Any, page: Any) -> Image.Exif:
    """The descriptive tags of a page. Of a big-endian BigTIFF, which Pillow cannot read, the plain ones."""
    exif = Image.Exif()
    if file.is_bigtiff and file.byteorder == ">":
        for tag in page.tags:
            if tag.code in DESCRIPTIVE and isinstance(tag.value, str):
                exif[tag.code] = tag.value
        return _with_plain_tags(exif, page)
    exif.endian, exif.bigtiff = file.byteorder, file.is_bigtiff
    with contextlib.suppress(Exception), path.open("rb") as stream:
        exif.load_from_fp(stream, page.offset)
        for directory in (EXIF_IFD, GPS_IFD):
            exif.get_ifd(directory)  # read while the file is open
    return _with_plain_tags(exif, page)


def _with_plain_tags(exif: Image.Exif, page: Any) -> Image.Exif:
    """With the orientation, which must not be missed, and the resolution."""
    for tag in (ORIENTATION, RESOLUTION_UNIT):
        if values := tag_values(page, tag):
            exif[tag] = int(values[0])
    for tag in (X_RESOLUTION, Y_RESOLUTION):
        if values := tag_fractions(page, tag):
            exif[tag] = values[0]
    return exif


def _check_data(path: Path, page: Any) -> None:
    """All strips or tiles must lie in the file, and it must be long enough for what the header states."""
    size = os.path.getsize(path)
    needed = int(np.prod(page.chunked))
    stored = [
        (offset, count)
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
        if count > 0 and offset > 0 and offset + count <= size
    ]
    contiguous = len(page.dataoffsets) == 1 and len(stored) == 1
    if len(stored) < needed and not contiguous:
        raise ImageError(
            f"is truncated: {needed - len(stored)} of its {needed} strips or tiles are not in the file",
            where=path,
            fix="copy or download it again",
        )
    ratio = COMPRESSIONS[int(page.compression)]
    if ratio is not None:
        stated = page.imagewidth * page.imagelength * page.samplesperpixel * page.bitspersample // 8
        if page.is_subsampled:
            stated //= 2
        check_capacity(path, page.imagewidth, page.imagelength, stated, size * ratio)


def _in_rgb(
    path: Path, page: Any, array: NDArray[Any], icc: bytes | None, alpha: int | None
) -> tuple[Any, Any]:
    """Samples as stored, (H, W, C), to 8 or 16-bit RGB or gray and straight alpha."""
    photometric, bits = int(page.photometric), int(page.bitspersample)
    colours = COLOURS[photometric]
    if photometric == YCBCR and int(page.compression) == JPEG:
        photometric = RGB  # the JPEG decoder has converted it
    if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
        if photometric == WHITE_IS_ZERO:
            array = _inverted(array, bits)
        return split(path, array, bits=bits, premultiplied=alpha == 1)
    opacity = None if alpha is None else scaled(array[:, :, colours], bits)
    rgb = _converted(page, photometric, array[:, :, :colours], icc)
    if opacity is not None and opacity.dtype != rgb.dtype:
        rgb, opacity = (
            part.astype(np.uint16) * np.uint16(257) if part.dtype == np.uint8 else part
            for part in (rgb, opacity)
        )
    if opacity is not None and alpha == 1:
        return split(path, np.dstack([rgb, opacity]), premultiplied=True)
    return rgb, opacity


def _inverted(array: NDArray[Any], bits: int) -> NDArray[Any]:
    """White is zero: the gray channel turned over, alpha as it is."""
    array = array.copy()
    gray = array[:, :, 0]
    if array.dtype.kind == "b":
        array[:, :, 0] = ~gray
    else:
        array[:, :, 0] = (1 if array.dtype.kind == "f" else array.dtype.type(2**bits - 1)) - gray
    return array


def _converted(page: Any, photometric: int, array: NDArray[Any], icc: bytes | None) -> NDArray[Any]:
    if photometric == PALETTE:
        table = np.asarray(page.tags[COLOUR_MAP].value, np.uint16).reshape(3, -1).T
        return palette_colours(table)[array[:, :, 0].astype(np.uint16)]
    if photometric == CMYK:
        return cmyk_to_rgb(np.ascontiguousarray(array), icc)
    if photometric == YCBCR:
        weights = tag_fractions(page, YCBCR_WEIGHTS) or (0.299, 0.587, 0.114)
        ranges = tag_fractions(page, YCBCR_RANGES) or (0, 255, 128, 255, 128, 255)
        return ycbcr_to_rgb(array, weights[:3], ranges)  # type: ignore[arg-type]
    unit = float(2 ** (array.dtype.itemsize * 8 - 8))
    lab = array.astype(np.float32)
    lab[:, :, 0] *= 100 / (256 * unit - 1)
    if photometric == CIE_LAB:  # a and b in two's complement
        signed = np.ascontiguousarray(array).view(f"i{array.dtype.itemsize}")
        lab[:, :, 1:] = signed[:, :, 1:] / unit
    else:
        lab[:, :, 1:] = lab[:, :, 1:] / unit - 128
    return lab_to_rgb(lab, np.uint8 if unit == 1 else np.uint16)


def _bytes(page: Any, tag: int) -> bytes | None:
    values = page.tags.get(tag)
    if values is None:
        return None
    value = values.value
    if isinstance(value, bytes):
        return value
    return bytes(value) if isinstance(value, tuple) else None


def _density(page: Any) -> Density | None:
    x, y = tag_fractions(page, X_RESOLUTION), tag_fractions(page, Y_RESOLUTION)
    unit = tag_values(page, RESOLUTION_UNIT) or (2,)
    return density_of_tags(x[0] if x else None, y[0] if y else None, int(unit[0]))
