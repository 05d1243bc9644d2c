"""Sources of images with labels, for losses that are computed by a high-level network.

A label is the class of a whole image, or a map with the class of every pixel (-1: ignored). Labels are not in the
store, which is shared by recipes with different labels. A patch takes its part of the map, flipped and rotated like its
pixels; a recipe sets `data.augment: none` where flips or rotations change the class (a rotated 6 is a 9).

| kind | layout |
|---|---|
| digits | scikit-learn's 1797 handwritten digits, inside its wheel |
| class-folders | ``<path>/<class>/*``, classes numbered in the order of their names (ILSVRC: n01440764 is 0) |
| segmented-folders | ``<given>/NAME.jpg``, ``<maps>/NAME.png`` (Pascal VOC: palette or gray, 255 does not count) |

Paths that are not in the working directory are looked for below ``$EDGEIR_DATA``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import Field

from edgeir.core.errors import DataError
from edgeir.core.files import file_stamp
from edgeir.core.requires import require
from edgeir.data.locate import resolve_path
from edgeir.data.sources.base import ImageRef, Label, Labels, Source, by_name
from edgeir.imaging.files import list_images, read_rgb
from edgeir.imaging.resize import resize, upscale

__all__ = ["ClassFolders", "Digits", "Labelled", "Plane", "SegmentedFolders", "label_plane"]

Pixels = npt.NDArray[np.uint8]
_PARTS = {"train": (0, 1197), "validation": (1197, 1297), "test": (1297, 1797)}
_VOID = 255


class Labelled(Source):
    """Base of the labelled sources: each image has a `label`."""


class Digits(Labelled):
    """Handwritten digits (Alpaydin and Kaynak, UCI, 1998; its test set) of 8x8 pixels and 17 gray levels.

    Enlarged by bicubic interpolation and repeated in three channels; strokes are bright. The first 1197 are for
    training, the next 100 for validation, the last 500 for tests.
    """

    kind: Literal["digits"] = "digits"
    part: Literal["train", "validation", "test"] = "train"
    size: Literal[8, 16, 32] = 32
    """Side of the image in pixels."""
    labels: Literal["digit", "stroke"] = "digit"
    """The digit; or a map, 1 where the image is at least half as bright as ink can be."""

    def images(self) -> list[ImageRef]:
        """List the digits of the part."""
        datasets = require("sklearn.datasets", "the handwritten digits")
        data: Any = datasets.load_digits()
        return [
            ImageRef(
                f"digit-{index:04d}",
                f"sklearn-digits:{index}:{self.size}",
                _digit(data.images[index], self.size),
                label=int(data.target[index])
                if self.labels == "digit"
                else _stroke(data.images[index], self.size),
            )
            for index in range(*_PARTS[self.part])
        ]


class ClassFolders(Labelled):
    """One folder per class, as ILSVRC's training set comes."""

    kind: Literal["class-folders"] = "class-folders"
    path: str
    shorter_side: int | None = Field(None, ge=8, le=8192)
    """Resize every image so that its shorter side has this length (256 in VGG's protocol); None: as it is."""

    def images(self) -> list[ImageRef]:
        root = resolve_path(self.path)
        classes = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        refs = [
            ImageRef(
                f"{folder.name}/{path.stem}",
                f"{file_stamp(path)}:{self.shorter_side}",
                _resized(path, self.shorter_side),
                label=number,
                where=path,
            )
            for number, folder in enumerate(classes)
            for path in list_images(folder)
        ]
        if not refs:
            raise DataError("there is no image here", where=root, fix="the layout is <class>/NAME.jpg")
        return refs


class SegmentedFolders(Labelled):
    """Images, and label maps of the same names in another folder."""

    kind: Literal["segmented-folders"] = "segmented-folders"
    given: str
    """The images."""
    maps: str
    names: str | None = None
    """A text file with one name per line; None: every image."""

    def images(self) -> list[ImageRef]:
        folder, maps = resolve_path(self.given), resolve_path(self.maps)
        files = by_name(list_images(folder))
        wanted = list(files)
        if self.names is not None:
            wanted = resolve_path(self.names, file=True).read_text(encoding="utf-8").split()
        if not wanted:
            raise DataError("the folder holds no image", where=folder)
        missing = [name for name in wanted if name not in files or not (maps / f"{name}.png").is_file()]
        if missing:
            raise DataError(
                f"{len(missing)} of {len(wanted)} names have no image here or no map in {maps}, first `{missing[0]}`",
                where=folder,
            )
        return [
            ImageRef(
                name,
                file_stamp(files[name]),
                _resized(files[name], None),
                label=_map(maps / f"{name}.png"),
                where=files[name],
            )
            for name in wanted
        ]


Plane: TypeAlias = Callable[[int], Labels]


def label_plane(labels: Sequence[Label | None], sizes: Sequence[tuple[int, int]]) -> Plane:
    """The function from an image's index to its labels, (H, W, 1) int16.

    Args:
        labels: of every image of a store, in its order.
        sizes: (height, width) of every clean image there.

    Raises:
        DataError: an image without label; later, a map that is smaller than its image.
    """
    if any(label is None for label in labels):
        raise DataError(f"image {labels.index(None)} of the sources has no label")

    def read(index: int) -> Labels:
        label, (height, width) = labels[index], sizes[index]
        if isinstance(label, int):
            return np.broadcast_to(np.int16(label), (height, width, 1))
        assert label is not None
        values = label()
        if values.shape[0] < height or values.shape[1] < width:
            raise DataError(
                f"the map of image {index} is {values.shape[0]}x{values.shape[1]}, the image {height}x{width}"
            )
        # An image is cropped from the top left to a multiple of the scale.
        return values[:height, :width, None]

    return read


def _digit(image: npt.NDArray[np.float64], size: int) -> Callable[[], Pixels]:
    def load() -> Pixels:
        gray = np.rint(image * (255 / 16)).astype(np.uint8)
        large = upscale(gray, size // 8) if size > 8 else gray
        return np.repeat(large[:, :, None], 3, axis=2)

    return load


def _stroke(image: npt.NDArray[np.float64], size: int) -> Callable[[], Labels]:
    return lambda: (_digit(image, size)()[:, :, 0] >= 128).astype(np.int16)


def _resized(path: Path, shorter: int | None) -> Callable[[], Pixels]:
    def load() -> Pixels:
        image = read_rgb(path)
        if shorter is None:
            return image
        factor = shorter / min(image.shape[:2])
        return resize(image, (round(image.shape[0] * factor), round(image.shape[1] * factor)))

    return load


def _map(path: Path) -> Callable[[], Labels]:
    def load() -> Labels:
        try:
            with Image.open(path) as image:
                if image.mode not in ("P", "L"):
                    raise DataError(f"a label map has palette or gray pixels, not {image.mode}", where=path)
                values = np.asarray(image).astype(np.int16)
        except (OSError, SyntaxError) as error:  # what Pillow raises for damaged files
            raise DataError(f"the label map cannot be read: {error}", where=path) from error
        return np.where(values == _VOID, np.int16(-1), values)

    return load
