"""TIFF files, by tifffile: Pillow reduces 16-bit RGB to 8 bits, does not know 16-bit gray with alpha, floating-point
RGB or 16-bit CMYK, and lets its native library talk on stderr about degraded ones.

Read are gray, RGB, palette, CMYK, CIE L*a*b* and YCbCr images of 1 to 16 bits a sample or floating point, with or
without alpha (straight or premultiplied), in strips, tiles or planes, classic and BigTIFF. A file that states anything
else, or does not state what its samples mean, is refused by the name of what was not understood.
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
from edgeir.imaging.density import Density, density_of_tags
from edgeir.imaging.photo import EXIF_IFD, GPS_IFD
from edgeir.imaging.samples import Stored, check_size, scaled, split
from edgeir.imaging.tiff_pages import main_page

__all__ = ["decode_tiff"]

PHOTOMETRIC, SAMPLE_FORMAT, EXTRA_SAMPLES, COLOUR_MAP = 262, 339, 338, 320
INK_SET, DOT_RANGE, YCBCR_WEIGHTS, YCBCR_SUBSAMPLING, YCBCR_RANGES = 332, 336, 529, 530, 532
XMP, ICC_PROFILE = 700, 34675

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIE_LAB, ICC_LAB = 0, 1, 2, 3, 5, 6, 8, 9
COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, CIE_LAB: 3, ICC_LAB: 3}
"""Photometric interpretations that are read, and how many samples make a colour."""
PHOTOMETRIC_NAMES = {
    4: "transparency mask",
    10: "ITU L*a*b*",
    32803: "colour filter array (a camera's raw file)",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear raw",
    51177: "depth map",
}
SAMPLE_FORMATS = {2: "signed integers", 4: "of undefined format", 5: "complex integers", 6: "complex numbers"}

NO_COMPRESSION, JPEG = 1, 7
COMPRESSIONS = {
    NO_COMPRESSION: 1,
    2: 300,
    3: 300,
    4: 10_000,
    5: 4096,
    JPEG: None,
    8: 1100,
    32946: 1100,
    32773: 128,
    34925: None,
    50000: None,
    50001: None,
}
"""Compressions that are read (none, CCITT, LZW, JPEG, deflate, PackBits, LZMA, Zstandard, WebP), and how many bytes of
samples one byte of the file can stand for at most; None where there is no useful bound."""
LOSSY = frozenset({JPEG, 50001})


def decode_tiff(path: Path, max_pixels: int) -> Stored:
    """Decode the main image of a TIFF; see `edgeir.imaging.read`."""
    import tifffile  # slow to load, rarely needed

    with tifffile.TiffFile(path) as file:
        page = main_page(path, file)
        check_size(path, page.imagewidth, page.imagelength, max_pixels)
        alpha = _check_meaning(path, page)
        _check_data(path, page)
        array = page.asarray(maxworkers=1)
        array = array.reshape(page.shaped[0], page.imagelength, page.imagewidth, -1)
        array = np.moveaxis(array, 0, 2).reshape(page.imagelength, page.imagewidth, -1)
        icc = _bytes(page, ICC_PROFILE)
        pixels, opacity = _in_rgb(path, page, array, icc, alpha)
        exif = _exif(path, file, page.offset)
        return Stored(
            pixels,
            opacity,
            icc,
            exif,
            xmp=_bytes(page, XMP),
            density=_density(page),
            lossy=int(page.compression) in LOSSY,
        )


def _exif(path: Path, file: Any, offset: int) -> Image.Exif:
    """The descriptive tags of a page; empty where Pillow cannot read them."""
    exif = Image.Exif()
    exif.endian, exif.bigtiff = file.byteorder, file.is_bigtiff
    with contextlib.suppress(Exception), path.open("rb") as stream:
        exif.load_from_fp(stream, offset)
        for directory in (EXIF_IFD, GPS_IFD):
            exif.get_ifd(directory)  # read while the file is open
    return exif


def _check_meaning(path: Path, page: Any) -> int | None:
    """Refuse what has no known meaning; else the kind of the alpha channel: 1 premultiplied, 2 straight, or None."""

    def refuse(what: str, fix: str = "convert it to RGB or gray of 8 or 16 bits") -> ImageError:
        return ImageError(what, where=path, fix=fix)

    if PHOTOMETRIC not in page.tags:
        raise refuse("is a TIFF that does not state what its samples mean (PhotometricInterpretation)")
    photometric, samples, bits = int(page.photometric), page.samplesperpixel, page.bitspersample
    if photometric not in COLOURS:
        name = PHOTOMETRIC_NAMES.get(photometric, "unknown")
        raise refuse(f"is a TIFF of the photometric interpretation {photometric} ({name})")
    if int(page.compression) not in COMPRESSIONS:
        name = getattr(page.compression, "name", "unknown")
        raise refuse(f"is a TIFF compressed by method {int(page.compression)} ({name})")
    formats = _values(page, SAMPLE_FORMAT) or (1,)
    if len(set(formats)) > 1 or formats[0] not in (1, 3):
        raise refuse(
            f"has samples that are {SAMPLE_FORMATS.get(int(formats[0]), f'of the formats {formats}')}"
        )
    if not isinstance(bits, int) or page.imagedepth > 1:
        raise refuse(f"is a TIFF of {bits} bits and depth {page.imagedepth}")
    real = formats[0] == 3
    if not real and bits > 16:
        raise refuse(f"has integer samples of {bits} bits, and nothing states which value is white")
    if photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB) and (
        real or bits not in ((1, 2, 4, 8, 16) if photometric == PALETTE else (8, 16))
    ):
        raise refuse(f"is a TIFF of the photometric interpretation {photometric} with {page.dtype} samples")
    _check_ink_and_luma(refuse, page, photometric, bits)
    return _alpha_kind(refuse, page, samples - COLOURS[photometric])


def _alpha_kind(refuse: Any, page: Any, extra: int) -> int | None:
    kinds = _values(page, EXTRA_SAMPLES)
    if extra == 0 and not kinds:
        return None
    if extra != 1 or len(kinds) > 1:
        raise refuse(
            f"has {page.samplesperpixel} channels, {max(extra, len(kinds))} of them beside the colours"
        )
    if not kinds or kinds[0] not in (1, 2):
        stated = f"ExtraSamples {kinds[0]}" if kinds else "no ExtraSamples"
        raise refuse(
            f"has a channel beside the colours that is not said to be alpha ({stated})",
            "remove the channel, or state that it is alpha",
        )
    if page.photometric in (CMYK, CIE_LAB, ICC_LAB, YCBCR) and kinds[0] == 1:
        raise refuse(f"has premultiplied alpha over the photometric interpretation {int(page.photometric)}")
    return int(kinds[0])


def _check_ink_and_luma(refuse: Any, page: Any, photometric: int, bits: int) -> None:
    if photometric == CMYK:
        inks, dots = _values(page, INK_SET), _values(page, DOT_RANGE)
        if inks and inks[0] != 1:
            raise refuse(f"has inks other than CMYK (InkSet {inks[0]})")
        if dots and tuple(dots[:2]) != (0, 2**bits - 1):
            raise refuse(f"has a DotRange of {dots}")
    if photometric == YCBCR:
        if int(page.compression) == JPEG:
            if page.planarconfig == 2:
                raise refuse("has YCbCr planes compressed by JPEG")
        elif (_values(page, YCBCR_SUBSAMPLING) or (2, 2)) != (1, 1) or bits != 8:
            raise refuse("has subsampled or deep YCbCr samples without JPEG compression")


def _check_data(path: Path, page: Any) -> None:
    """All strips or tiles must lie in the file, and it must be long enough for what the header states."""
    size = os.path.getsize(path)
    needed = int(np.prod(page.chunked))
    places = [
        (offset, count)
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
        if count > 0 and offset > 0 and offset + count <= size
    ]
    contiguous = len(page.dataoffsets) == 1 and len(places) == 1
    if len(places) < needed and not contiguous:
        raise ImageError(
            f"is truncated: {needed - len(places)} of its {needed} strips or tiles are not in the file",
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
        weights = _fractions(page, YCBCR_WEIGHTS) or (0.299, 0.587, 0.114)
        ranges = _fractions(page, YCBCR_RANGES) or (0, 255, 128, 255, 128, 255)
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


def _values(page: Any, tag: int) -> tuple[Any, ...]:
    """The values of a tag as a tuple; empty where it is absent."""
    found = page.tags.get(tag)
    if found is None:
        return ()
    value = found.value
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _fractions(page: Any, tag: int) -> tuple[float, ...]:
    values = _values(page, tag)
    if len(values) % 2 or any(not bottom for bottom in values[1::2]):
        return ()
    return tuple(float(top) / float(bottom) for top, bottom in zip(values[::2], values[1::2], strict=True))


def _bytes(page: Any, tag: int) -> bytes | None:
    values = page.tags.get(tag)
    if values is None:
        return None
    value = values.value
    if isinstance(value, bytes):
        return value
    return bytes(value) if isinstance(value, tuple) else None


def _density(page: Any) -> Density | None:
    x, y = _fractions(page, 282), _fractions(page, 283)
    unit = _values(page, 296) or (2,)
    return density_of_tags(x[0] if x else None, y[0] if y else None, int(unit[0]))
