"""Where images come from: a folder, a standard set under ``$EDGEIR_DATA``, or the embedded photographs.

A source lists `ImageRef`s; decoding happens when one is loaded. Standard sets are looked for in the layouts below,
relative to ``$EDGEIR_DATA``, first match wins (``edgeir doctor`` prints what was found):

| set | folders tried |
|---|---|
| Set5, Set14, Urban100 | ``test/set5``, ``Set5/HR``, ``Set5``; likewise for the others |
| B100 | ``test/bsds500-val`` (BSDS500 val, cropped to 480x320 from the top left), ``B100/HR``, ``B100`` |
| BSDS500 | ``train/bsds500``, ``BSDS500/train`` + ``BSDS500/test`` (train and test, 400 images) |
| T91 | ``train/t91``, ``T91`` |
| Set12, BSD68, Classic5 | ``test/set12``, ``Set12``; ``test/bsd68-gray``, ``BSD68``; ``test/classic5``, ``Classic5`` |
| CBSD68 | ``CBSD68``, or the images of ``test/bsds500-val`` that ``test/cbsd68.txt`` names |
| LIVE1, Kodak24, McMaster | ``test/live1``, ``LIVE1``; likewise for the others |
| DIV2K, DIV2K-val | ``DIV2K/DIV2K_train_HR``, ``DIV2K_train_HR``; ``…_valid_HR`` |
| Flickr2K | ``Flickr2K/Flickr2K_HR``, ``Flickr2K`` |
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.errors import DataError
from edgeir.core.files import file_stamp
from edgeir.core.images import list_images, read_photo, read_rgb
from edgeir.core.requires import require

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
    "existing_folder",
    "find_set",
]

Pixels = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[np.int16]
"""(H, W) classes, -1 where a pixel does not count."""
Label: TypeAlias = int | Callable[[], Labels]
"""A class of the whole image, or how to decode a map."""

STANDARD_SETS: dict[str, tuple[tuple[str, ...], ...]] = {
    "Set5": (("test/set5",), ("Set5/HR",), ("Set5",)),
    "Set14": (("test/set14",), ("Set14/HR",), ("Set14",)),
    "B100": (("test/bsds500-val",), ("B100/HR",), ("B100",)),
    "Urban100": (("test/urban100",), ("Urban100/HR",), ("Urban100",)),
    "BSDS500": (("train/bsds500",), ("BSDS500/train", "BSDS500/test"), ("BSDS500",)),
    "T91": (("train/t91",), ("T91",)),
    "Set12": (("test/set12",), ("Set12",)),
    "BSD68": (("test/bsd68-gray",), ("BSD68",)),
    "CBSD68": (("CBSD68",), ("test/cbsd68",)),
    "Classic5": (("test/classic5",), ("Classic5",)),
    "LIVE1": (("test/live1",), ("LIVE1",)),
    "Kodak24": (("test/kodak24",), ("Kodak24",)),
    "McMaster": (("test/mcmaster",), ("McMaster",)),
    "DIV2K": (("DIV2K/DIV2K_train_HR",), ("DIV2K_train_HR",)),
    "DIV2K-val": (("DIV2K/DIV2K_valid_HR",), ("DIV2K_valid_HR",)),
    "Flickr2K": (("Flickr2K/Flickr2K_HR",), ("Flickr2K",)),
}
"""Set name to the alternatives tried, each one or more folders relative to ``$EDGEIR_DATA``."""

LISTED_SETS = {"CBSD68": ("test/bsds500-val", "test/cbsd68.txt")}
"""Sets that may also be a part of a folder: the folder, and a text file with one name (without suffix) per line."""

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


class Folder(Source):
    """Every image file in a folder, sorted by name."""

    kind: Literal["folder"] = "folder"
    path: str

    def images(self) -> list[ImageRef]:
        """List the images.

        Raises:
            DataError: the folder is missing or holds no image.
        """
        folder = existing_folder(self.path)
        refs = [_file_ref(path) for path in list_images(folder)]
        if not refs:
            raise DataError("the folder holds no image", where=folder)
        return refs


class StandardSet(Source):
    """A standard data set, found under ``$EDGEIR_DATA``."""

    kind: Literal["standard"] = "standard"
    name: Literal[
        "Set5", "Set14", "B100", "Urban100", "BSDS500", "T91", "DIV2K", "DIV2K-val", "Flickr2K",
        "Set12", "BSD68", "CBSD68", "Classic5", "LIVE1", "Kodak24", "McMaster",
    ]  # fmt: skip

    def images(self) -> list[ImageRef]:
        """List the images.

        Raises:
            DataError: ``$EDGEIR_DATA`` is not set, or the set is in none of the folders tried.
        """
        crop = (480, 320) if self.name == "B100" else None
        listed = _listed(self.name)
        if listed is not None:
            return [_file_ref(path) for path in listed]
        return [_file_ref(path, crop) for folder in find_set(self.name) for path in list_images(folder)]


class Embedded(Source):
    """The photographs bundled with scikit-image: no download, good for demos, tests and calibration."""

    kind: Literal["embedded"] = "embedded"

    def images(self) -> list[ImageRef]:
        """List the photographs that the installed scikit-image holds."""
        skimage = require("skimage", "the embedded photographs")
        folder = Path(str(skimage.__file__)).parent / "data"
        found = {path.stem: path for path in list_images(folder)}
        refs = [_file_ref(found[name]) for name in EMBEDDED_PHOTOS if name in found]
        if not refs:
            raise DataError("scikit-image holds none of the photographs", where=folder)
        return refs


AnySource = Annotated[Folder | StandardSet | Embedded, Field(discriminator="kind")]
"""Every image source, discriminated by `kind`."""


def data_root() -> Path | None:
    """``$EDGEIR_DATA``, or None where it is not set."""
    value = os.environ.get("EDGEIR_DATA")
    return Path(value).expanduser() if value else None


def find_set(name: str) -> list[Path]:
    """The folders of a standard set.

    Raises:
        DataError: saying which layouts were tried and where.
    """
    tried = STANDARD_SETS[name]
    root = data_root()
    shown = " or ".join(" + ".join(folders) for folders in tried)
    if root is None:
        raise DataError(
            f"the data set {name} is needed, but EDGEIR_DATA is not set",
            fix=f"set EDGEIR_DATA to the folder that holds {shown}",
        )
    for folders in tried:
        paths = [root / folder for folder in folders]
        if all(path.is_dir() and list_images(path) for path in paths):
            return paths
    raise DataError(f"the data set {name} was not found", where=root, fix=f"put its images into {shown}")


def _listed(name: str) -> list[Path] | None:
    """The images of a set that is a part of a folder, where that folder and its list are there.

    Raises:
        DataError: the list names an image that is missing.
    """
    root = data_root()
    if root is None or name not in LISTED_SETS:
        return None
    folder, names = (root / part for part in LISTED_SETS[name])
    if not names.is_file() or not folder.is_dir():
        return None
    wanted = names.read_text(encoding="utf-8").split()
    found = {path.stem: path for path in list_images(folder)}
    missing = [stem for stem in wanted if stem not in found]
    if missing:
        raise DataError(
            f"{len(missing)} of the images in {names.name} are missing, first `{missing[0]}`", where=folder
        )
    return [found[stem] for stem in wanted]


def existing_folder(path: str) -> Path:
    """The folder, ``~`` expanded; `DataError` where there is none."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise DataError("no such folder", where=folder)
    return folder


def _file_ref(path: Path, crop: tuple[int, int] | None = None) -> ImageRef:
    def load() -> Pixels:
        image = read_rgb(path)
        if crop is None:
            return image
        long, short = crop
        height, width = (long, short) if image.shape[0] > image.shape[1] else (short, long)
        return image[:height, :width]

    return ImageRef(
        path.stem, f"{file_stamp(path)}:{crop}", load, lambda: read_photo(path).pixels.shape[2] == 1
    )
