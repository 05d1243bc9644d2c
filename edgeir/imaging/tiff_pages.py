"""Which of the images in a TIFF file is the main one.

Beside the main image a file may hold smaller copies (thumbnails, the levels of a pyramid) and masks; the tag
NewSubfileType, or the older SubfileType, names them. They may follow it, precede it, or hang below it (SubIFDs), and
a file may begin with a thumbnail below which the main image hangs. Several full images are several pages: refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeir.core.errors import ImageError

__all__ = ["main_page"]

NEW_SUBFILE_TYPE, SUBFILE_TYPE = 254, 255
REDUCED, MASK, OTHER_THAN_MAIN = 1, 4, 1 | 4 | 8 | 16  # 8: a depth map of a DNG, 16: enhanced data of a DNG
OLD_REDUCED = 2
MOST_PAGES = 1000


def main_page(path: Path, file: Any) -> Any:
    """The page (`tifffile.TiffPage`) of the main image of an open `tifffile.TiffFile`.

    Raises:
        ImageError: none, or several.
    """
    count = len(file.pages)
    if count == 0:
        again = "the file is damaged; copy or download it again"
        raise ImageError("cannot be decoded: it holds no image", where=path, fix=again)
    if count > MOST_PAGES:
        raise _several(path, count)
    chain = [file.pages[index] for index in range(count)]
    full = [page for page in chain if _is_main(page)]
    if not full:  # only thumbnails: the image they stand for hangs below
        below = [child for page in chain for child in (page.pages or ())]
        full = [page for page in below if _is_main(page)] or chain[:1]
    images = _imagej_images(file) if len(full) == 1 else len(full)
    if images > 1:
        raise _several(path, images)
    return full[0]


def _several(path: Path, count: int) -> ImageError:
    return ImageError(f"has {count} pages, only single images are read", where=path, fix="extract them first")


def _is_main(page: Any) -> bool:
    kind, old = page.tags.get(NEW_SUBFILE_TYPE), page.tags.get(SUBFILE_TYPE)
    if kind is not None:
        return not int(kind.value) & OTHER_THAN_MAIN
    return old is None or int(old.value) != OLD_REDUCED


def _imagej_images(file: Any) -> int:
    """ImageJ writes all images of a large stack behind one directory, and their number in its description."""
    described = file.imagej_metadata if file.is_imagej else None
    return int((described or {}).get("images", 1))
