"""Write a `Photo` to a file whose suffix decides the format; the file is whole or absent.

PNG and TIFF keep 8 or 16 bits and alpha, WebP and BMP are 8-bit, JPEG is 8-bit without alpha (`write_jpeg`). A deeper
photo is rounded to the 8 bits of the format. WebP is lossless, except for a photo whose own file was lossy: to keep its
artefacts exactly would take several times the bytes.

PNG, TIFF and JPEG are encoded straight from the array; WebP and BMP go through Pillow, which first copies the image to
four bytes a pixel.

ICC profile, EXIF, XMP, resolution and colour tags are written where the format has them. BMP has a resolution only.
"""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.core.files import atomic_file
from edgeir.imaging.colour_tags import ColourTags, colour_chunks, profile_of
from edgeir.imaging.density import Density
from edgeir.imaging.photo import Photo, exif_for_size, exif_with_density, to_8bit
from edgeir.imaging.png import png_chunk, write_png
from edgeir.imaging.remarks import deferred, remark
from edgeir.imaging.write_jpeg import JPEG_QUALITY, JPEG_SEGMENT, write_jpeg
from edgeir.imaging.write_tiff import write_tiff

__all__ = ["JPEG_QUALITY", "WEBP_QUALITY", "WRITE_SUFFIXES", "check_writable", "write_photo"]

WEBP_QUALITY = 95
WRITE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
LONGEST_SIDE = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}


def check_writable(
    path: str | Path, width: int, height: int, *, transparent: bool = False, colour: ColourTags | None = None
) -> None:
    """Raise `ImageError` when the format that `path`'s suffix names cannot hold such an image.

    Args:
        transparent: some pixel is not opaque.
        colour: `Photo.colour`; HDR tones go into a PNG only.
    """
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
    if suffix != ".png":
        _equivalent_profile(colour, None, path, gray=False)


def write_photo(photo: Photo, path: str | Path, *, lossy: bool | None = None) -> None:
    """Write a photo, replacing `path`.

    Metadata that the format cannot hold is left out, with a remark (`edgeir.imaging.remarks`).

    Args:
        lossy: whether a WebP file is compressed with loss (quality 95); None for as the photo's own file was,
            without loss where that is not known. The other formats have one way each.

    Raises:
        ImageError: the suffix names no format that is written, or one that cannot hold this photo: its
            transparency (an alpha that is opaque everywhere is simply left out where the format has none), its size,
            or HDR tones.
        OutputError: the disk is full, no permission, ...
    """
    path = Path(path)
    check_writable(path, photo.width, photo.height, transparent=photo.transparent, colour=photo.colour)
    suffix = path.suffix.lower()
    icc = photo.icc
    if suffix != ".png":
        icc = _equivalent_profile(photo.colour, icc, path, gray=photo.gray)
    elif icc is None and photo.colour is not None and photo.colour.cicp is not None:
        with contextlib.suppress(
            ValueError
        ):  # for viewers that do not know cICP, where a profile can say the same
            icc = profile_of(photo.colour, None, gray=photo.gray)
    exif = photo.exif
    if exif is not None:
        limit = JPEG_SEGMENT if suffix in (".jpg", ".jpeg") else None
        exif = exif_for_size(exif, photo.width, photo.height, limit)
    with atomic_file(path) as temporary, deferred():
        if suffix == ".png":
            _write_png(photo, temporary, icc, exif)
        elif suffix in (".tif", ".tiff"):
            write_tiff(photo, temporary, icc=icc, exif=exif)
        elif suffix in (".jpg", ".jpeg"):
            write_jpeg(photo, temporary, name=path, icc=icc, exif=exif)
        elif suffix == ".webp":
            _write_webp(photo, temporary, icc, exif, bool(photo.lossy if lossy is None else lossy))
        else:
            if icc:
                remark(path, "a BMP holds no colour profile: viewers will take its colours for sRGB")
            dpi = _dpi(photo.density)
            _pillow(photo, alpha=False).save(temporary, "BMP", **({"dpi": dpi} if dpi else {}))


def _equivalent_profile(
    colour: ColourTags | None, icc: bytes | None, path: Path, *, gray: bool
) -> bytes | None:
    try:
        return profile_of(colour, icc, gray=gray)
    except ValueError as error:
        raise ImageError(
            f"{error}, which this format cannot state", where=path, fix="write a .png"
        ) from error


def _join(photo: Photo) -> NDArray[Any]:
    if photo.alpha is None:
        return np.ascontiguousarray(photo.pixels)
    return np.concatenate([photo.pixels, photo.alpha[:, :, None]], axis=2)


def _write_png(photo: Photo, path: Path, icc: bytes | None, exif: bytes | None) -> None:
    more = colour_chunks(photo.colour, profile=icc is not None)
    if icc:
        more += png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc))
    if photo.density:
        x, y = photo.density.per_metre if photo.density.per_inch else _whole(photo.density)
        unit = bytes((int(photo.density.per_inch),))
        more += png_chunk(b"pHYs", x.to_bytes(4, "big") + y.to_bytes(4, "big") + unit)
    if exif:
        more += png_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    if photo.xmp:
        more += png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + photo.xmp)
    with path.open("wb") as stream:
        write_png(stream, _join(photo), before_pixels=more)


def _whole(density: Density) -> tuple[int, int]:
    """A ratio as whole numbers."""
    scale = 1 if density.x == round(density.x) and density.y == round(density.y) else 1000
    return max(1, round(density.x * scale)), max(1, round(density.y * scale))


def _dpi(density: Density | None) -> tuple[float, float] | None:
    return (density.x, density.y) if density is not None and density.per_inch else None


def _pillow(photo: Photo, *, alpha: bool) -> Image.Image:
    pixels = to_8bit(photo.pixels)
    if alpha and photo.alpha is not None:
        return Image.fromarray(np.concatenate([pixels, to_8bit(photo.alpha)[:, :, None]], axis=2))
    return Image.fromarray(pixels[:, :, 0] if photo.gray else pixels)


def _write_webp(photo: Photo, path: Path, icc: bytes | None, exif: bytes | None, lossy: bool) -> None:
    image = _pillow(photo, alpha=True)
    if image.mode in ("L", "LA"):
        image = image.convert("RGB" if image.mode == "L" else "RGBA")  # WebP has no gray
    if photo.density and photo.density.per_inch:  # WebP states a resolution in its EXIF only
        exif = exif_with_density(exif, photo.density)
    image.save(
        path,
        "WEBP",
        lossless=not lossy,
        quality=WEBP_QUALITY if lossy else 80,  # without loss it is the effort
        exact=True,
        icc_profile=(b"" if photo.gray else icc) or b"",  # a gray profile does not fit either
        exif=exif or b"",
        xmp=photo.xmp or b"",
    )
