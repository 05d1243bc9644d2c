"""Base of the sources of single images: a source lists `ImageRef`s, and an image is decoded when one is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.errors import DataError
from edgeir.core.files import file_stamp
from edgeir.imaging.files import read_photo, rgb_of
from edgeir.imaging.luma import luma_of, studio

__all__ = ["Files", "ImageRef", "Label", "Labels", "Source", "Weight", "by_name"]

Pixels = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[np.int16]
"""(H, W) classes, -1 where a pixel does not count."""
Label: TypeAlias = int | Callable[[], Labels]
"""A class of the whole image, or how to decode a map."""


@dataclass(frozen=True)
class ImageRef:
    """One image that can be loaded.

    Attributes:
        name: unique within its source, without suffix.
        stamp: identifies the bytes (path, size and time of a file), so that a store notices a change.
        load: decode to (H, W, 3) uint8 RGB.
        gray: the file has a single channel. Published super-resolution figures compare such an image on its own gray
            values, not on Y (Set14 has one; the difference is 0.09 dB of the set's mean).
        label: of a labelled source (`edgeir.data.labelled.sources`).
        where: its file, for errors.
    """

    name: str
    stamp: str
    load: Callable[[], Pixels]
    gray: Callable[[], bool] = lambda: False
    label: Label | None = None
    where: Path | None = None


Weight = Annotated[float, Field(gt=0, le=1e6)]
"""How often something is sampled, relative to others."""


class Source(Config):
    """Base of every source."""

    weight: Weight = 1.0
    """How often a pixel of this source is sampled, relative to the other sources."""
    rescale: tuple[Annotated[float, Field(ge=0.01, le=1)], ...] | None = Field(None, min_length=1)
    """Factors for this source alone, in place of `data.rescale`."""

    def images(self) -> list[ImageRef]:
        """List the images, each with its label where the source has labels.

        Raises:
            DataError: a folder, an image or a label is not where it belongs.
        """
        raise NotImplementedError


class Files(Source):
    """A source of image files."""

    matlab_y: bool = False
    """Give the Y of MATLAB's ``rgb2ycbcr`` (16 to 235, rounded), as a gray image, in place of colours: what the JPEG
    papers make of LIVE1 and of their training images. Gray files stay as they are."""

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
        return ImageRef(path.stem, stamp, load, gray, where=path)


def by_name(paths: Iterable[Path]) -> dict[str, Path]:
    """Files by their names without suffix, in the same order.

    Raises:
        DataError: two of them differ in their suffix alone.
    """
    files: dict[str, Path] = {}
    for path in paths:
        if (other := files.setdefault(path.stem, path)) is not path:
            raise DataError(
                f"`{other.name}` and `{path.name}` differ in their suffix alone",
                where=path.parent,
                fix="keep one of them, or rename one",
            )
    return files


def _matlab_y(image: Pixels) -> Pixels:
    levels = np.rint(255 * studio(luma_of(image / 255))).astype(np.uint8)
    return np.repeat(levels, 3, axis=2)
