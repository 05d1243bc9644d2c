"""The standard sets of single images, their layouts and sizes.

They are looked for in these folders relative to ``$EDGEIR_DATA``, first match wins (``edgeir doctor`` prints what was
found). A set with another number of images than the published one is used, with a warning.

| set | images | folders tried |
|---|---|---|
| Set5, Set14, Urban100 | 5, 14, 100 | ``test/set5``, ``Set5/HR``, ``Set5``; likewise for the others |
| B100 | 100 | ``test/bsds500-val``, ``B100/HR``, ``B100``, ``BSDS500/data/images/val``; cropped to 480x320 |
| BSDS500 | 400 | ``train/bsds500``; ``train`` + ``test`` in ``BSDS500`` or ``BSDS500/data/images``; ``BSDS500`` |
| T91 | 91 | ``train/t91``, ``T91`` |
| Set12, BSD68 | 12, 68 | ``test/set12``, ``Set12``; ``test/bsd68-gray``, ``BSD68`` |
| Classic5 | 5 | ``test/classic5``, ``Classic5`` |
| CBSD68 | 68 | ``CBSD68``, or the images of ``test/bsds500-val`` that ``test/cbsd68.txt`` names |
| LIVE1, Kodak24, McMaster | 29, 24, 18 | ``test/live1``, ``LIVE1``; likewise for the others |
| DIV2K, DIV2K-val | 800, 100 | ``DIV2K/DIV2K_train_HR``, ``DIV2K_train_HR``; ``…_valid_HR`` |
| Flickr2K | 2650 | ``Flickr2K/Flickr2K_HR``, ``Flickr2K`` |
| photos | 358 | ``train/photos``, ``photos``; with a list of licences (`edgeir.data.sources.licences`) |

B100 is the val part of BSDS500, cropped from the top left of each image; the set BSDS500 is train and test. Its
archive unpacks as ``BSR/BSDS500/data/images``; that is found too.
"""

from __future__ import annotations

from pathlib import Path

from edgeir.core.errors import DataError
from edgeir.data.locate import check_count, data_root, nearest_contents, required_root
from edgeir.data.sources.base import by_name
from edgeir.imaging.files import list_images

__all__ = ["PUBLISHED_COUNTS", "STANDARD_SETS", "find_set", "set_images"]

_BSDS = tuple(f"{parent}BSDS500/data/images" for parent in ("", "BSR/"))
"""BSDS500's own layout, without and with the archive's outer folder."""

STANDARD_SETS: dict[str, tuple[tuple[str, ...], ...]] = {
    "Set5": (("test/set5",), ("Set5/HR",), ("Set5",)),
    "Set14": (("test/set14",), ("Set14/HR",), ("Set14",)),
    "B100": (("test/bsds500-val",), ("B100/HR",), ("B100",), *((f"{images}/val",) for images in _BSDS)),
    "Urban100": (("test/urban100",), ("Urban100/HR",), ("Urban100",)),
    "BSDS500": (
        ("train/bsds500",),
        *((f"{images}/train", f"{images}/test") for images in ("BSDS500", *_BSDS)),
        ("BSDS500",),
    ),
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
    "photos": (("train/photos",), ("photos",)),
}
"""Set name to the alternatives tried, each one or more folders relative to ``$EDGEIR_DATA``."""

PUBLISHED_COUNTS: dict[str, int] = {
    "Set5": 5, "Set14": 14, "B100": 100, "Urban100": 100, "BSDS500": 400, "T91": 91, "Set12": 12, "BSD68": 68,
    "CBSD68": 68, "Classic5": 5, "LIVE1": 29, "Kodak24": 24, "McMaster": 18, "DIV2K": 800, "DIV2K-val": 100,
    "Flickr2K": 2650, "photos": 358,
}  # fmt: skip
"""Images of every set as it was published."""

LISTED_SETS = {"CBSD68": ("test/bsds500-val", "test/cbsd68.txt")}
"""Sets that may also be a part of a folder: the folder, and a text file with one name (without suffix) per line."""


def find_set(name: str) -> list[Path]:
    """Where a standard set lies: its folders, or the folder and the list of one that is a part of another.

    Raises:
        DataError: saying which layouts were tried, where, and what is there; or as for `set_images`.
    """
    if _listed(name) is not None:
        root = required_root(name, LISTED_SETS[name][0])
        return [root / part for part in LISTED_SETS[name]]
    return _folders(name)


def _folders(name: str) -> list[Path]:
    tried = STANDARD_SETS[name]
    shown = " or ".join(" + ".join(folders) for folders in tried)
    root = required_root(name, shown)
    for folders in tried:
        paths = [root / folder for folder in folders]
        if all(path.is_dir() and list_images(path) for path in paths):
            return paths
    there = nearest_contents(root, [folder for folders in tried for folder in folders])
    raise DataError(
        f"the data set {name} was not found; {there}", where=root, fix=f"put its images into {shown}"
    )


def set_images(name: str) -> list[Path]:
    """The files of a standard set: by name, folder by folder, or as its list names them.

    Raises:
        DataError: as for `find_set`, or a listed image is missing.
    """
    listed = _listed(name)
    folders = [] if listed is not None else _folders(name)
    paths = listed if listed is not None else [path for folder in folders for path in list_images(folder)]
    check_count(name, len(paths), PUBLISHED_COUNTS[name], paths[0].parent)
    return paths


def _listed(name: str) -> list[Path] | None:
    """The images of a set that is a part of a folder, where that folder and its list are there.

    Raises:
        DataError: the list names no image, or one that is missing.
    """
    root = data_root()
    if root is None or name not in LISTED_SETS:
        return None
    folder, names = (root / part for part in LISTED_SETS[name])
    if not names.is_file() or not folder.is_dir():
        return None
    wanted = names.read_text(encoding="utf-8").split()
    if not wanted:
        raise DataError("the list names no image", where=names)
    files = by_name(list_images(folder))
    missing = [stem for stem in wanted if stem not in files]
    if missing:
        raise DataError(
            f"{len(missing)} of the images in {names.name} are missing, first `{missing[0]}`", where=folder
        )
    return [files[stem] for stem in wanted]
