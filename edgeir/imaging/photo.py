"""A photograph in memory, and its metadata when the pixels change.

EXIF is kept as the descriptive tags only: the orientation is applied to the pixels, so the tag says 1; the
embedded thumbnail, the preview images and the tags that describe a TIFF's own storage are dropped, because
they would be wrong for the new pixels. XMP is kept as far as it stays true (`edgeir.imaging.xmp`). Dots per inch stay
the same number for an enlarged image (`edgeir.imaging.density`). `Photo.with_pixels` makes a photo of other pixels with
all of this metadata.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeir.imaging.colour_tags import ColourTags
from edgeir.imaging.density import RESOLUTION_UNIT, X_RESOLUTION, Y_RESOLUTION, Density

__all__ = [
    "SWAPPING",
    "Photo",
    "clean_exif",
    "exif_for_size",
    "exif_with_density",
    "loaded_exif",
    "orient",
    "to_8bit",
]

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

ORIENTATION = 0x0112
SWAPPING = (5, 6, 7, 8)
"""Orientations that exchange rows and columns."""
EXIF_IFD, GPS_IFD, INTEROP_IFD = 0x8769, 0x8825, 0xA005
WIDTH_IN_EXIF, HEIGHT_IN_EXIF, MAKER_NOTE = 0xA002, 0xA003, 0x927C
DESCRIPTIVE = frozenset(
    {
        0x010D,  # document name
        0x010E,  # image description
        0x010F,  # make
        0x0110,  # model
        0x0112,  # orientation
        0x011A,  # x resolution
        0x011B,  # y resolution
        0x0128,  # resolution unit
        0x0131,  # software
        0x0132,  # date and time
        0x013B,  # artist
        0x013C,  # host computer
        0x8298,  # copyright
        0x9C9B,  # title, comment, author, keywords and subject as Windows writes them
        0x9C9C,
        0x9C9D,
        0x9C9E,
        0x9C9F,
        EXIF_IFD,
        GPS_IFD,
    }
)
"""Tags of the main directory that stay true for other pixels of the same image."""


@dataclass(frozen=True)
class Photo:
    """Pixels and their metadata.

    Attributes:
        pixels: uint8 or uint16, HW3 (RGB) or HW1 (gray), upright.
        alpha: HW of the same dtype, or None.
        icc: the ICC profile of `pixels`.
        exif: an EXIF block (``Exif\\0\\0`` prefix included), orientation 1, without thumbnail.
        bits: 8 or 16.
        format: the name of the file format it was read from ("PNG", "JPEG", ...).
        xmp: an XMP packet that is true for the upright pixels alone.
        density: dots per inch, or the shape of a pixel, where the file states them.
        colour: how samples code colours where `icc` does not say it all (see `edgeir.imaging.colour_tags`).
        lossy: the file it was read from was compressed with loss; None where that is not known.
    """

    pixels: Pixels
    alpha: Pixels | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    bits: Literal[8, 16] = 8
    format: str = "PNG"
    xmp: bytes | None = None
    density: Density | None = None
    colour: ColourTags | None = None
    lossy: bool | None = None

    def __post_init__(self) -> None:
        dtype = np.uint8 if self.bits == 8 else np.uint16
        if self.pixels.ndim != 3 or self.pixels.shape[2] not in (1, 3) or self.pixels.dtype != dtype:
            raise ValueError(
                f"`pixels` must be HW3 or HW1 of {np.dtype(dtype).name}, "
                f"not {self.pixels.shape} of {self.pixels.dtype.name}"
            )
        if self.alpha is not None and (
            self.alpha.shape != self.pixels.shape[:2] or self.alpha.dtype != dtype
        ):
            raise ValueError(
                f"`alpha` must be {self.pixels.shape[:2]} of {np.dtype(dtype).name}, "
                f"not {self.alpha.shape} of {self.alpha.dtype.name}"
            )

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def gray(self) -> bool:
        return int(self.pixels.shape[2]) == 1

    @property
    def transparent(self) -> bool:
        """Whether some pixel is not opaque."""
        top = 255 if self.bits == 8 else 65535
        return self.alpha is not None and bool((self.alpha != top).any())

    def with_pixels(self, pixels: Pixels, alpha: Pixels | None) -> Photo:
        """A photo of other pixels, of the same depth and colour, with all other attributes of this one."""
        return dataclasses.replace(self, pixels=pixels, alpha=alpha)


def to_8bit(pixels: Pixels) -> NDArray[np.uint8]:
    """16-bit samples to the nearest 8-bit ones (x·255/65535); 8-bit ones as they are."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    out = np.empty(pixels.shape, np.uint8)
    for top in range(0, len(pixels), 256):  # in blocks: the intermediate is twice as large as the image
        out[top : top + 256] = (pixels[top : top + 256].astype(np.uint32) * 255 + 32895) >> 16
    return out


def orient(pixels: Any, orientation: int) -> Any:
    """Turn stored pixels upright by EXIF's orientation value (1 to 8; anything else means 1)."""
    if orientation in SWAPPING:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def loaded_exif(source: bytes | Image.Image | None) -> Image.Exif:
    """The EXIF of an opened image or of a block; empty where there is none or it is malformed: the image counts."""
    try:
        if isinstance(source, Image.Image):
            return source.getexif()
        exif = Image.Exif()
        if source:
            exif.load(source)
    except Exception:  # Pillow raises anything: SyntaxError, struct.error, ...
        return Image.Exif()
    return exif


def clean_exif(exif: Image.Exif) -> bytes | None:
    """The block to keep of a file's EXIF (see the module's text), or None when nothing is left."""
    kept = Image.Exif()
    swapped = (
        {X_RESOLUTION: Y_RESOLUTION, Y_RESOLUTION: X_RESOLUTION} if exif.get(ORIENTATION) in SWAPPING else {}
    )
    for tag, value in exif.items():
        if tag in DESCRIPTIVE and tag not in (EXIF_IFD, GPS_IFD, ORIENTATION):
            kept[swapped.get(tag, tag)] = value
    for directory in (EXIF_IFD, GPS_IFD):
        with contextlib.suppress(Exception):  # a damaged sub-directory: the rest is still worth keeping
            entries: dict[int, Any] = dict(exif.get_ifd(directory))
            entries.pop(INTEROP_IFD, None)
            if entries:
                kept.get_ifd(directory).update(entries)
                kept[directory] = kept.get_ifd(directory)
    if not len(kept):
        return None
    kept[ORIENTATION] = 1
    return _exif_bytes(kept)


def exif_for_size(exif: bytes, width: int, height: int, limit: int | None = None) -> bytes | None:
    """The block with the pixel size it states set to `width` x `height`.

    Args:
        limit: largest size in bytes (65,533 in a JPEG file); over it the maker's note goes, then all.
    """
    block = Image.Exif()
    block.load(exif)
    details = block.get_ifd(EXIF_IFD)
    if WIDTH_IN_EXIF in details or HEIGHT_IN_EXIF in details:
        details[WIDTH_IN_EXIF], details[HEIGHT_IN_EXIF] = width, height
    data = _exif_bytes(block)
    if limit is not None and data is not None and len(data) > limit:
        details.pop(MAKER_NOTE, None)
        data = _exif_bytes(block)
        if data is not None and len(data) > limit:
            return None
    return data


def exif_with_density(exif: bytes | None, density: Density) -> bytes | None:
    """The block, or a new one, with the resolution set to `density`, which is per inch."""
    block = Image.Exif()
    if exif is not None:
        block.load(exif)
    block[X_RESOLUTION], block[Y_RESOLUTION] = density.x, density.y
    block[RESOLUTION_UNIT] = 2
    return _exif_bytes(block)


def _exif_bytes(exif: Image.Exif) -> bytes | None:
    try:
        return bytes(exif.tobytes())
    except Exception:  # values that no longer fit their TIFF type: the pixels matter more
        return None
