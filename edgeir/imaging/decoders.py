"""One decoder for each format: an image file to its pixels and metadata as stored (`Stored`).

Each checks the size that the header states, and whether the file can hold it, before it decodes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from edgeir.core.errors import ImageError
from edgeir.imaging.capacity import check_file_capacity
from edgeir.imaging.colour import cmyk_to_rgb
from edgeir.imaging.colour_tags import colour_of_chunks
from edgeir.imaging.density import Density, density_of_exif, density_of_metres, density_of_tags
from edgeir.imaging.heif import decode_avif, decode_heic
from edgeir.imaging.jpeg import check_jpeg, read_header, repaired
from edgeir.imaging.jxl import decode_jxl
from edgeir.imaging.photo import loaded_exif
from edgeir.imaging.png_chunks import read_png_file
from edgeir.imaging.pnm import decode_pnm
from edgeir.imaging.remarks import remark
from edgeir.imaging.samples import Stored, check_size, split
from edgeir.imaging.tiff import decode_tiff

__all__ = ["DECODERS"]


def _still(path: Path, frames: int) -> None:
    if frames > 1:
        raise ImageError(
            f"has {frames} frames, only single images are read", where=path, fix="extract them first"
        )


def _decode_png(path: Path, max_pixels: int) -> Stored:
    import imagecodecs  # libpng: faster than Pillow, of every depth, and it notices missing rows

    png = read_png_file(path, max_pixels)
    _still(path, png.frames)
    pixels, alpha = split(path, imagecodecs.png_decode(png.bare))
    exif = loaded_exif(png.exif)
    return Stored(
        pixels,
        alpha,
        png.icc,
        exif,
        xmp=png.xmp,
        density=png.density or density_of_exif(exif),
        colour=colour_of_chunks(png.chunks),
        lossy=False,
    )


def _decode_jpeg(path: Path, max_pixels: int) -> Stored:
    with path.open("rb") as stream:
        header = read_header(stream.read(1 << 20))
    if header.frame == 0:  # a megabyte of metadata comes first
        header = read_header(path.read_bytes())
    check_jpeg(path, header)
    with Image.open(path, formats=("JPEG", "MPO")) as image:
        check_size(path, image.width, image.height, max_pixels)
        check_file_capacity(path, "JPEG", image.width, image.height, 8)
        try:
            image.load()
            array, mode = np.asarray(image), image.mode
        except OSError as error:
            if error.errno is not None or (whole := repaired(path, path.read_bytes())) is None:
                raise
            with Image.open(io.BytesIO(whole), formats=("JPEG", "MPO")) as again:
                array, mode = np.asarray(again), again.mode
        exif, info = loaded_exif(image), image.info
        frames = getattr(image, "n_frames", 1)
    icc = info.get("icc_profile")
    named = b"hdrgm" in info.get("xmp", b"")  # then `clean_xmp` says what is left out
    if header.gain_map and not named:
        remark(path, "its gain map (HDR) is not carried over: the result is the ordinary image")
    elif frames > 1 and not named:
        remark(path, f"it holds {frames} images, of which the main one is read")
    if mode == "CMYK":
        array, icc = cmyk_to_rgb(array, icc), None
    pixels, alpha = split(path, array)
    return Stored(
        pixels, alpha, icc, exif, xmp=info.get("xmp"), density=_jfif_density(info, exif), lossy=True
    )


def _jfif_density(info: dict[Any, Any], exif: Image.Exif) -> Density | None:
    unit, density = info.get("jfif_unit"), info.get("jfif_density", (None, None))
    units = {1: 2, 2: 3}  # of JFIF to those of TIFF
    stated = None if unit is None else density_of_tags(density[0], density[1], units.get(unit, 1))
    return stated if unit in units and stated is not None else density_of_exif(exif) or stated


def _decode_webp(path: Path, max_pixels: int) -> Stored:
    with Image.open(path, formats=("WEBP",)) as image:
        check_size(path, image.width, image.height, max_pixels)
        _still(path, getattr(image, "n_frames", 1))
        exif, info = loaded_exif(image), image.info
        pixels, alpha = split(path, _array(path, image))
    with path.open("rb") as stream:
        lossy = _webp_is_lossy(stream.read(1 << 20))
    icc = info.get("icc_profile")
    density = density_of_exif(exif)
    return Stored(pixels, alpha, icc, exif, xmp=info.get("xmp"), density=density, lossy=lossy)


def _webp_is_lossy(head: bytes) -> bool | None:
    offset = 12
    while offset + 8 <= len(head):
        kind, length = head[offset : offset + 4], int.from_bytes(head[offset + 4 : offset + 8], "little")
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8 "
        offset += 8 + length + length % 2
    return None


def _decode_bmp(path: Path, max_pixels: int) -> Stored:
    with path.open("rb") as stream:
        head = stream.read(54)
    with Image.open(path, formats=("BMP",)) as image:
        check_size(path, image.width, image.height, max_pixels)
        old = int.from_bytes(head[14:18], "little") < 40
        bits = int.from_bytes(head[24:26] if old else head[28:30], "little")
        rle = not old and int.from_bytes(head[30:34], "little") in (1, 2)
        check_file_capacity(path, "BMP", image.width, image.height, bits, rle=rle)
        pixels, alpha = split(path, _array(path, image))
    metres = [0, 0] if old else [int.from_bytes(head[offset : offset + 4], "little") for offset in (38, 42)]
    return Stored(pixels, alpha, None, Image.Exif(), density=density_of_metres(*metres), lossy=False)


def _decode_gif(path: Path, max_pixels: int) -> Stored:
    with Image.open(path, formats=("GIF",)) as image:
        check_size(path, image.width, image.height, max_pixels)
        check_file_capacity(path, "GIF", image.width, image.height, 8)
        _still(path, getattr(image, "n_frames", 1))
        pixels, alpha = split(path, _array(path, image))
    return Stored(pixels, alpha, None, Image.Exif(), lossy=False)


def _array(path: Path, image: ImageFile.ImageFile) -> NDArray[Any]:
    """The pixels of an opened image as gray or RGB, with or without alpha."""
    image.load()
    mode = image.mode
    result: Image.Image = image
    if "transparency" in image.info and mode in ("P", "L", "RGB", "1"):
        result = image.convert("RGBA" if mode in ("P", "RGB") else "LA")
    elif mode in ("P", "RGBX"):
        result = image.convert("RGB")
    elif mode == "1":
        result = image.convert("L")
    elif mode == "PA":
        result = image.convert("RGBA")
    elif mode not in ("L", "LA", "RGB", "RGBA"):
        raise ImageError(f"its pixels are of the kind {mode}", where=path, fix="convert it to RGB or gray")
    return np.asarray(result)


DECODERS: dict[str, Callable[[Path, int], Stored]] = {
    "PNG": _decode_png,
    "JPEG": _decode_jpeg,
    "TIFF": decode_tiff,
    "WebP": _decode_webp,
    "BMP": _decode_bmp,
    "GIF": _decode_gif,
    "PNM": decode_pnm,
    "AVIF": decode_avif,
    "JPEG XL": decode_jxl,
    "HEIC": decode_heic,
}
"""By the names of `edgeir.imaging.kinds.READ_KINDS`."""
