"""Read an image file into a `Photo`, safely.

Pillow opens the file (header only), the size is checked before a pixel is decoded, and then Pillow decodes
it; imagecodecs does for 16-bit PNG, which Pillow would reduce to 8 bits, and tifffile for most TIFF. Only the
formats listed in `FORMATS` are tried: Pillow knows others that start external programs.

What becomes of the unusual ones: palette and CMYK images become RGB (CMYK by its profile when it has one);
1-bit images become gray; floating-point images must lie in [0, 1] and become 16-bit; animations and
multi-page files are refused; of a multi-picture JPEG (MPO, as phones write it) the main picture is read.
"""

from __future__ import annotations

import contextlib
import io
import logging
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from edgeir.core.errors import ImageError
from edgeir.imaging.photo import ORIENTATION, Photo, clean_exif, orient
from edgeir.imaging.samples import Stored, check_size, split
from edgeir.imaging.tiff import decode_tiff, is_plain, is_tiff

__all__ = ["DEFAULT_MAX_PIXELS", "read_photo"]

DEFAULT_MAX_PIXELS = 200_000_000
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM")

TIFFFILE = logging.getLogger("tifffile")
for _logger in (logging.getLogger("PIL"), TIFFFILE):  # remarks are not printed for want of a handler
    _logger.addHandler(logging.NullHandler())


class _Quiet:
    """Within it Pillow neither warns nor applies its own pixel limit (ours is checked instead); tifffile is silent.

    These settings are global to the process, so the first thread in sets them and the last one out restores them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._stack.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore")
                self._stack.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
                Image.MAX_IMAGE_PIXELS = None
                self._stack.callback(setattr, TIFFFILE, "disabled", TIFFFILE.disabled)
                TIFFFILE.disabled = True
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._stack.close()


_QUIET = _Quiet()


def read_photo(path: str | Path, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Photo:
    """Read one still image, upright, with its alpha, ICC profile and EXIF.

    Args:
        max_pixels: refuse a larger image before decoding it.

    Raises:
        ImageError: missing, a folder, unreadable, empty, not an image, truncated, animated, too large, or of a
            kind that has no 8-bit or 16-bit RGB or gray meaning.
    """
    path = Path(path)
    _check_file(path)
    with _translated(path), _QUIET:
        try:
            with Image.open(path, formats=FORMATS) as image:
                check_size(path, image.width, image.height, max_pixels)
                _check_still(path, image)
                if image.format == "TIFF" and is_plain(image):
                    stored = decode_tiff(path, max_pixels)
                else:
                    stored = _decode(path, image)
                kind = "JPEG" if image.format == "MPO" else str(image.format)
        except UnidentifiedImageError:
            if not is_tiff(path):
                raise
            stored, kind = (
                decode_tiff(path, max_pixels),
                "TIFF",
            )  # samples of a kind that Pillow does not know
        turn = 1
        with contextlib.suppress(Exception):  # damaged EXIF: the picture is still good
            turn = int(stored.exif.get(ORIENTATION, 1))
        return Photo(
            pixels=orient(stored.pixels, turn),
            alpha=None if stored.alpha is None else orient(stored.alpha, turn),
            icc=_fitting(stored.icc, gray=stored.pixels.shape[2] == 1),
            exif=_kept_exif(stored.exif),
            bits=16 if stored.pixels.dtype == np.uint16 else 8,
            format=kind,
        )


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise ImageError("is a folder, not an image", where=path, fix="name a file in it")
        if not path.exists():
            raise ImageError("no such file", where=path, fix="check the path")
        if not path.is_file():
            raise ImageError("is not a regular file", where=path, fix="copy the image to a file first")
        if path.stat().st_size == 0:
            raise ImageError("the file is empty", where=path, fix="copy or download it again")
    except OSError as error:  # a name too long for the system, no permission on a folder above
        raise ImageError(
            f"cannot be read: {error.strerror or error}", where=path, fix="check the path"
        ) from error


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Whatever a decoder raises, as one `ImageError`."""
    again = "the file is damaged; copy or download it again"
    try:
        yield
    except ImageError:
        raise
    except PermissionError as error:
        raise ImageError("no permission to read it", where=path, fix="change its permissions") from error
    except UnidentifiedImageError as error:
        known = "a PNG, JPEG, TIFF, WebP, BMP, GIF or PPM is expected"
        raise ImageError("is not an image that can be read", where=path, fix=known) from error
    except MemoryError as error:
        raise ImageError("does not fit into memory", where=path, fix="use a smaller image") from error
    except (
        Exception
    ) as error:  # decoders raise anything on a damaged file: struct.error, KeyError, SyntaxError, ...
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageError(f"cannot be read: {error.strerror}", where=path, fix="check the disk") from error
        raise ImageError(f"cannot be decoded: {reason}", where=path, fix=again) from error


def _check_still(path: Path, image: ImageFile.ImageFile) -> None:
    count = getattr(image, "n_frames", 1)
    if count > 1 and image.format != "MPO":
        what = "pages" if image.format == "TIFF" else "frames"
        raise ImageError(
            f"has {count} {what}, only single images are read", where=path, fix="extract them first"
        )


def _decode(path: Path, image: ImageFile.ImageFile) -> Stored:
    if image.format == "PNG" and _png_depth(path) == 16:
        import imagecodecs  # slow to load, rarely needed

        pixels, alpha = split(path, imagecodecs.png_decode(_bare_png(path)))
        image.load()  # also reads the chunks behind the pixels
        return Stored(pixels, alpha, image.info.get("icc_profile"), image.getexif())
    image.load()
    icc = image.info.get("icc_profile")
    if image.mode == "CMYK":
        pixels, alpha = split(path, np.asarray(_from_cmyk(image, icc)))
        return Stored(pixels, alpha, None, image.getexif())
    pixels, alpha = split(path, _array(path, image))
    return Stored(pixels, alpha, icc, image.getexif())


def _kept_exif(exif: Image.Exif) -> bytes | None:
    with contextlib.suppress(Exception):
        return clean_exif(exif)
    return None


def _array(path: Path, image: Image.Image) -> NDArray[Any]:
    mode = image.mode
    if "transparency" in image.info and mode in ("P", "L", "RGB", "1"):
        image = image.convert("RGBA" if mode in ("P", "RGB") else "LA")
    elif mode == "P":
        image = image.convert("RGB")
    elif mode == "1":
        image = image.convert("L")
    elif mode in ("PA", "RGBa"):
        image = image.convert("RGBA")
    elif mode == "La":
        image = image.convert("LA")
    elif mode in ("RGBX", "YCbCr", "HSV"):
        image = image.convert("RGB")
    elif mode not in ("L", "LA", "RGB", "RGBA", "I", "F") and not mode.startswith("I;16"):
        raise ImageError(f"its pixels are of the kind {mode}", where=path, fix="convert it to RGB or gray")
    return np.asarray(image)


def _from_cmyk(image: Image.Image, icc: bytes | None) -> Image.Image:
    if icc:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                return converted
    return image.convert("RGB")


def _fitting(icc: bytes | None, *, gray: bool) -> bytes | None:
    """The profile if its colour space (bytes 16 to 19) is that of the pixels: readers reject others."""
    return icc if icc and icc[16:20] == (b"GRAY" if gray else b"RGB ") else None


def _bare_png(path: Path) -> bytes:
    """The file without its ancillary chunks but tRNS: about some of the others libpng remarks on stderr."""
    data = memoryview(path.read_bytes())
    kept, place = [data[:8]], 8
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        kind = bytes(data[place + 4 : place + 8])
        if kind in (b"IHDR", b"IDAT", b"IEND", b"tRNS"):
            kept.append(data[place : place + 12 + length])
        place += 12 + length
    if kind != b"IEND" or place > len(data):
        raise ImageError(
            "cannot be decoded: the file is truncated", where=path, fix="copy or download it again"
        )
    return b"".join(kept)


def _png_depth(path: Path) -> int:
    with path.open("rb") as stream:
        return stream.read(25)[24]  # signature 8, length and type 8, width and height 8, bit depth
