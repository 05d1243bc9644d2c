"""Where images come from: a folder, a standard set under ``$EDGEIR_DATA``, or the embedded photographs.

A source lists `ImageRef`s; decoding happens when one is loaded. `edgeir.data.standard` has the layouts of the standard
sets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator

from edgeir.core.config import Config
from edgeir.core.errors import DataError
from edgeir.core.files import file_stamp
from edgeir.core.images import list_images, read_photo, rgb_of
from edgeir.core.luma import luma_of, studio
from edgeir.core.requires import require
from edgeir.data.places import data_root, placed
from edgeir.data.standard import STANDARD_SETS, find_set, set_images

__all__ = [
    "STANDARD_SETS",
    "AnySource",
    "Embedded",
    "Folder",
    "ImageRef",
    "Label",
    "Labels",
    "Source",
    "StandardSet",
    "data_root",
    "find_set",
]

Pixels = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[np.int16]
"""(H, W) classes, -1 where a pixel does not count."""
Label: TypeAlias = int | Callable[[], Labels]
"""A class of the whole image, or how to decode a map."""

EMBEDDED_PHOTOS = ("astronaut", "chelsea", "coffee", "hubble_deep_field", "motorcycle_left", "rocket")
"""The colour photographs inside scikit-image's wheel (its other samples are downloads, drawings or microscopy)."""


@dataclass(frozen=True)
class ImageRef:
    """One image that can be loaded.

    Attributes:
        name: unique within its source, without suffix.
        stamp: identifies the bytes (path, size and time of a file), so that a store notices a change.
        load: decode to (H, W, 3) uint8 RGB.
        gray: the file has a single channel. Published super-resolution figures compare such an image on its own gray
            values, not on Y (Set14 has one; the difference is 0.09 dB of the set's mean).
        label: of a labelled source (`edgeir.data.labelled`).
    """

    name: str
    stamp: str
    load: Callable[[], Pixels]
    gray: Callable[[], bool] = lambda: False
    label: Label | None = None


class Source(Config):
    """What every source has in common."""

    weight: float = Field(1.0, gt=0)
    """How often a pixel of this source is sampled, relative to the other sources."""
    rescale: tuple[Annotated[float, Field(gt=0, le=1)], ...] | None = Field(None, min_length=1)
    """Factors for this source alone, in place of `data.rescale`."""


class Files(Source):
    """A source of image files."""

    matlab_y: bool = False
    """Give the Y of MATLAB's ``rgb2ycbcr`` (16 to 235, rounded), as a gray picture, in place of colours: what the JPEG
    papers make of LIVE1 and of their training pictures. Gray files stay as they are."""

    def _ref(self, path: Path, crop: tuple[int, int] | None = None) -> ImageRef:
        """One file; a `crop` has its longer side first."""

        def gray() -> bool:
            return self.matlab_y or read_photo(path).gray

        def load() -> Pixels:
            photo = read_photo(path)
            image = rgb_of(photo)
            if crop is not None:
                long, short = crop
                height, width = (long, short) if image.shape[0] > image.shape[1] else (short, long)
                image = image[:height, :width]
            return _matlab_y(image) if self.matlab_y and not photo.gray else image

        stamp = f"{file_stamp(path)}:{crop}{':matlab-y' if self.matlab_y else ''}"
        return ImageRef(path.stem, stamp, load, gray)


class Folder(Files):
    """Every image file in a folder, sorted by name."""

    kind: Literal["folder"] = "folder"
    path: str
    """From the working directory, or else below ``$EDGEIR_DATA``."""

    def images(self) -> list[ImageRef]:
        """List the images.

        Raises:
            DataError: the folder is missing or holds no image.
        """
        folder = placed(self.path)
        refs = [self._ref(path) for path in list_images(folder)]
        if not refs:
            raise DataError("the folder holds no image", where=folder)
        return refs


class StandardSet(Files):
    """A standard data set, found under ``$EDGEIR_DATA``."""

    kind: Literal["standard"] = "standard"
    name: Literal[
        "Set5", "Set14", "B100", "Urban100", "BSDS500", "T91", "DIV2K", "DIV2K-val", "Flickr2K",
        "Set12", "BSD68", "CBSD68", "Classic5", "LIVE1", "Kodak24", "McMaster",
    ]  # fmt: skip

    range: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]] | None = None
    """Pictures from the first to before the last, counted from 0 in the order of names; None: all. RL-Restore trains on
    [0, 750] of DIV2K and tests on [750, 800]."""

    @field_validator("range")
    @classmethod
    def _not_empty(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        if value is not None and value[0] >= value[1]:
            raise ValueError(f"the range [{value[0]}, {value[1]}] holds no picture")
        return value

    def images(self) -> list[ImageRef]:
        """List the images. A number that is not the published one is logged as a warning.

        Raises:
            DataError: ``$EDGEIR_DATA`` is not set, the set is in none of the folders tried, or `range` leaves it.
        """
        crop = (480, 320) if self.name == "B100" else None
        paths = set_images(self.name)
        first, last = self.range if self.range is not None else (0, len(paths))
        if last > len(paths):
            raise DataError(
                f"the range [{first}, {last}] leaves the set {self.name}, which has {len(paths)} pictures here",
                where=paths[0].parent,
                fix="lower `range` or complete the set",
            )
        return [self._ref(path, crop) for path in paths[first:last]]


class Embedded(Files):
    """The photographs bundled with scikit-image: no download, good for demos, tests and calibration."""

    kind: Literal["embedded"] = "embedded"

    def images(self) -> list[ImageRef]:
        """List the photographs that the installed scikit-image holds."""
        skimage = require("skimage", "the embedded photographs")
        folder = Path(str(skimage.__file__)).parent / "data"
        found = {path.stem: path for path in list_images(folder)}
        refs = [self._ref(found[name]) for name in EMBEDDED_PHOTOS if name in found]
        if not refs:
            raise DataError("scikit-image holds none of the photographs", where=folder)
        return refs


def _matlab_y(image: Pixels) -> Pixels:
    levels = np.rint(255 * studio(luma_of(image / 255))).astype(np.uint8)
    return np.repeat(levels, 3, axis=2)


AnySource = Annotated[Folder | StandardSet | Embedded, Field(discriminator="kind")]
"""Every image source, discriminated by `kind`."""
