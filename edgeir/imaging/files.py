"""Image files: safe reading and writing. Everything above `core` imports from here.

`read_rgb` gives plain 8-bit RGB for training and evaluation; `read_photo` and `write_photo` keep what a
photograph carries (bit depth, alpha, ICC profile, EXIF). Every failure is an `ImageError` or, while writing,
an `OutputError`: one line with the file, the problem and what to do.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import DataError
from edgeir.imaging.kinds import FOREIGN_SUFFIXES, READ_SUFFIXES, WEAK_KINDS, kind_of, why_unreadable
from edgeir.imaging.photo import Photo, to_8bit
from edgeir.imaging.read import DEFAULT_MAX_PIXELS, read_photo
from edgeir.imaging.write import WRITE_SUFFIXES, check_writable, write_photo

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "IMAGE_SUFFIXES",
    "WRITE_SUFFIXES",
    "Photo",
    "check_writable",
    "list_images",
    "read_photo",
    "read_rgb",
    "rgb_of",
    "survey_images",
    "to_8bit",
    "write_photo",
    "write_rgb",
]

IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""File name endings (lower case) that `list_images` takes for images."""


def read_rgb(path: str | Path, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> NDArray[np.uint8]:
    """Read an image as uint8 HWC RGB: upright by its EXIF, alpha dropped, gray repeated, 16 bits rounded to 8.

    Raises:
        ImageError: see `read_photo`.
    """
    return rgb_of(read_photo(path, max_pixels=max_pixels))


def rgb_of(photo: Photo) -> NDArray[np.uint8]:
    """What `read_rgb` gives of a photo that was read."""
    pixels = to_8bit(photo.pixels)
    return np.repeat(pixels, 3, axis=2) if photo.gray else pixels


def write_rgb(pixels: NDArray[np.uint8], path: str | Path) -> None:
    """Write uint8 HWC RGB (or HW / HW1 gray); the suffix decides the format, see `write_photo`."""
    write_photo(Photo(pixels if pixels.ndim == 3 else pixels[:, :, None]), path)


def list_images(folder: str | Path) -> list[Path]:
    """The image files of a folder by suffix, sorted by name; hidden files and sub-folders are left out.

    Only the suffixes of `IMAGE_SUFFIXES` count, so that a data set is what its publisher meant; use `survey_images` for
    a user's folder.

    Raises:
        DataError: it is not a folder or cannot be listed.
    """
    return [path for path in _visible(folder) if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]


def survey_images(folder: str | Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The images of a folder, and the files that look like images but cannot be read here.

    A file counts by its suffix or by its first bytes, so that `.jfif`, `.avif` or a photo without a suffix is
    found; where the two contradict each other the bytes decide. Hidden files and sub-folders are left out, and so
    is whatever neither is nor is called an image.

    Returns:
        ``(images, skipped)``, each sorted by name: `images` are of readable formats (reading may still fail for a
        damaged file), `skipped` has one line of reason and remedy for each file, without its name.

    Raises:
        DataError: it is not a folder or cannot be listed.
    """
    images: list[Path] = []
    skipped: list[tuple[Path, str]] = []
    for path in _visible(folder):
        if not path.is_file():
            continue
        taken, reason = _classified(path)
        if taken:
            images.append(path)
        elif reason is not None:
            skipped.append((path, reason))
    return images, skipped


def _classified(path: Path) -> tuple[bool, str | None]:
    """Whether a file is an image to read; where it is not, why (None: it has nothing to do with images)."""
    suffix = path.suffix.lower()
    named = suffix in READ_SUFFIXES
    try:
        kind = kind_of(path)
    except OSError:
        return named, None  # reading will say what is wrong with it
    raw = FOREIGN_SUFFIXES.get(suffix)
    if raw is not None and (kind in (None, "TIFF") or kind in WEAK_KINDS):  # most raw files are TIFF inside
        return False, f"is {raw}, which is not read (convert it to PNG or TIFF)"
    if kind is None or (kind in WEAK_KINDS and not named and raw is None):
        return named, None
    if (obstacle := why_unreadable(kind)) is not None:
        return False, "{} ({})".format(*obstacle)
    if named or raw is not None or not suffix:
        return True, None
    return False, f"is {kind} inside, but the suffix `{path.suffix}` names no image format (rename it)"


def _visible(folder: str | Path) -> list[Path]:
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(
            "is not a folder" if folder.exists() else "no such folder", where=folder, fix="check the path"
        )
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(
            f"cannot be listed: {error.strerror}", where=folder, fix="check its permissions"
        ) from error
    return [folder / name for name in names if not name.startswith(".")]
