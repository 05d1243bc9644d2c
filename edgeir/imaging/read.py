"""Read an image file into a `Photo`, safely.

The first bytes of a file decide what it is, whatever its name says; only the formats of
`edgeir.imaging.kinds.READ_KINDS` are tried (Pillow knows others that start external programs), and the size that the
header states is checked before a pixel is decoded (`edgeir.imaging.decoders`).

Unusual images: palette, CMYK, L*a*b* and YCbCr images become RGB (CMYK by its profile when it has
one); 1-bit images become gray; integers are scaled by the depth that the file states; floating-point images must lie in
[0, 1] (within a small tolerance) and become 16-bit; premultiplied alpha becomes straight; animations and multi-page
files are refused, but smaller copies and masks beside the main image are passed over; of a multi-picture JPEG (MPO, as
phones write it) the main image is read, with a remark. A JPEG that lacks its end marker or a few bytes is read with
a remark. What the reader does not understand is refused, never guessed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from edgeir.core.errors import EdgeIRError, ImageError
from edgeir.imaging.decoders import DECODERS
from edgeir.imaging.kinds import READ_KINDS, kind_of, why_unreadable
from edgeir.imaging.photo import ORIENTATION, SWAPPING, Photo, clean_exif, orient
from edgeir.imaging.remarks import deferred, remark
from edgeir.imaging.samples import Stored
from edgeir.imaging.xmp import clean_xmp

__all__ = ["DEFAULT_MAX_PIXELS", "read_photo"]

DEFAULT_MAX_PIXELS = 200_000_000

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
    """Read one still image, upright, with its alpha, ICC profile, EXIF, XMP, resolution and colour tags.

    Repairs and losses are logged as warnings by the logger ``edgeir.imaging.remarks``, or collected by
    `edgeir.imaging.remarks.remarks`.

    Args:
        max_pixels: refuse a larger image before decoding it.

    Raises:
        ImageError: missing, a folder, unreadable, empty, not an image, truncated, animated, too large, or of a
            kind that has no 8-bit or 16-bit RGB or gray meaning, or that the decoders installed here do not know.
    """
    path = Path(path)
    _check_file(path)
    with _translated(path), _QUIET, deferred():
        kind = kind_of(path)
        if kind is None:
            raise UnidentifiedImageError
        if (obstacle := why_unreadable(kind)) is not None:
            raise ImageError(obstacle[0], where=path, fix=obstacle[1])
        return _upright(path, DECODERS[kind](path, max_pixels), kind)


def _upright(path: Path, stored: Stored, kind: str) -> Photo:
    turn = 1
    with contextlib.suppress(Exception):  # malformed EXIF: the image is still good
        turn = int(stored.exif.get(ORIENTATION, 1))
    turn = turn if 1 <= turn <= 8 else 1
    xmp = None
    if stored.xmp:
        xmp, lost = clean_xmp(stored.xmp, turned=turn != 1)
        for part in lost:
            remark(path, f"its {part} is not carried over, and the XMP that describes it neither")
    density = stored.density
    return Photo(
        pixels=orient(stored.pixels, turn),
        alpha=None if stored.alpha is None else orient(stored.alpha, turn),
        icc=_fitting(stored.icc, gray=stored.pixels.shape[2] == 1),
        exif=_kept_exif(stored.exif),
        bits=16 if stored.pixels.dtype == np.uint16 else 8,
        format=kind,
        xmp=xmp,
        density=density.turned if density is not None and turn in SWAPPING else density,
        colour=stored.colour,
        lossy=stored.lossy,
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
    """Turn any exception of a decoder into an `ImageError`."""
    try:
        yield
    except EdgeIRError:
        raise
    except PermissionError as error:
        raise ImageError("no permission to read it", where=path, fix="change its permissions") from error
    except UnidentifiedImageError as error:
        expected = f"one of {', '.join(READ_KINDS)} is expected"
        raise ImageError("is not an image that can be read", where=path, fix=expected) from error
    except MemoryError as error:
        raise ImageError("does not fit into memory", where=path, fix="use a smaller image") from error
    except Exception as error:  # decoders raise anything: struct.error, KeyError, SyntaxError, ...
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageError(f"cannot be read: {error.strerror}", where=path, fix="check the disk") from error
        fix = "if other programs show it, convert it to PNG; else it is damaged: copy or download it again"
        raise ImageError(f"cannot be decoded: {reason}", where=path, fix=fix) from error


def _kept_exif(exif: Image.Exif) -> bytes | None:
    with contextlib.suppress(Exception):
        return clean_exif(exif)
    return None


def _fitting(icc: bytes | None, *, gray: bool) -> bytes | None:
    """The profile if its colour space (bytes 16 to 19) is that of the pixels: readers reject others."""
    return icc if icc and icc[16:20] == (b"GRAY" if gray else b"RGB ") else None
