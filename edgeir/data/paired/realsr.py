"""Pairs for super-resolution that come with their own small images: RealSR, and DIV2K's tracks.

| set | layout under ``$EDGEIR_DATA`` |
|---|---|
| RealSR | ``<folder>/{Canon,Nikon}/{Train,Test}/{2,3,4}/NAME_HR.png`` beside ``NAME_LR4.png``; folders below |
| DIV2K | ``DIV2K/DIV2K_train_LR_{bicubic,unknown}/X4/0001x4.png`` and ``DIV2K/DIV2K_train_HR/0001.png``; ``valid`` |

DIV2K's folders may also lie under ``$EDGEIR_DATA`` itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PIL import Image

from edgeir.core.errors import DataError
from edgeir.data.locate import check_count, find_root
from edgeir.data.paired.base import (
    Paired,
    PairRef,
    match_pairs,
    no_pairs,
    pair_of,
    partners_in,
    required_partner,
)
from edgeir.imaging.files import list_images

__all__ = ["DIV2KLR", "RealSR"]

REALSR_FOLDERS: dict[int, tuple[str, ...]] = {
    1: ("RealSR (ICCV2019)", "RealSR(V1)", "RealSR_V1", "RealSR"),
    2: ("RealSR(V2)", "RealSR_V2", "RealSR"),
    3: ("RealSR(V3)", "RealSR_V3", "RealSR"),
}
"""What the folder of each version is called: first as its archive unpacks, then other names in use."""


class RealSR(Paired):
    """Photographs of the same scene at two focal lengths, aligned (Cai et al., ICCV 2019).

    Of the set's three versions (its authors' repository, csjcai/RealSR) the first has the 234 scenes of the paper, on
    which published figures such as DANet's are (183, 234 and 178 training pairs for x2, x3 and x4 of both cameras
    together); the others have more than 500. Both images of a pair have the same size in versions 1 and 2; in
    version 3 the degraded one is smaller by `zoom`. Of the first version's test images, 15 per camera and zoom, the
    published figures are means over both cameras.
    """

    kind: Literal["realsr"] = "realsr"
    version: Literal[1, 2, 3] = 1
    camera: Literal["Canon", "Nikon", "both"] = "Canon"
    """``both``: Canon's pairs, then Nikon's."""
    part: Literal["Train", "Test"] = "Train"
    zoom: Literal[2, 3, 4] = 4

    @property
    def scale(self) -> int:
        return self.zoom if self.version == 3 else 1

    def located(self) -> list[Path]:
        name, roots = f"RealSR version {self.version}", REALSR_FOLDERS[self.version]
        cameras = ("Canon", "Nikon") if self.camera == "both" else (self.camera,)
        inside = [f"{camera}/{self.part}/{self.zoom}" for camera in cameras]
        return [find_root(name, roots, folder) / folder for folder in inside]

    def listed(self) -> list[PairRef]:
        folders = self.located()
        result = [pair for folder in folders for pair in self._photographs(folder)]
        if self.version == 1 and self.part == "Test":
            check_count(f"RealSR x{self.zoom}", len(result), 15 * len(folders), folders[0], "test pairs")
        return result

    def _photographs(self, folder: Path) -> list[PairRef]:
        result: list[PairRef] = []
        for clean in (path for path in list_images(folder) if path.stem.endswith("_HR")):
            given = required_partner(clean.with_name(f"{clean.stem[:-2]}LR{self.zoom}{clean.suffix}"), clean)
            self._check_sizes(given, clean)
            result.append(pair_of(clean.stem, given, clean))
        return result or no_pairs(folder, f"NAME_HR.png beside NAME_LR{self.zoom}.png")

    def _check_sizes(self, given: Path, clean: Path) -> None:
        """Raise `DataError` where the sizes are not those of the version."""
        ours, theirs = _size(given), _size(clean)
        smaller = (theirs[0] // self.zoom, theirs[1] // self.zoom)
        if ours == (smaller if self.version == 3 else theirs):
            return
        rule = f"smaller by {self.zoom}" if self.version == 3 else "as large"
        other = theirs if self.version == 3 else smaller
        versions = "1 or 2" if self.version == 3 else "3"
        raise DataError(
            f"{given.name} is {ours[0]}x{ours[1]}, {clean.name} {theirs[0]}x{theirs[1]}, "
            f"but in version {self.version} the first is {rule}",
            where=given.parent,
            fix=f"these are of version {versions}: set `version`" if ours == other else "get an intact copy",
        )


class DIV2KLR(Paired):
    """DIV2K with its own small images, of the two tracks of NTIRE 2017 (Timofte et al., CVPRW 2017).

    Both tracks shrink; how ``unknown`` does it was not published.
    """

    kind: Literal["div2k-lr"] = "div2k-lr"
    track: Literal["bicubic", "unknown"] = "bicubic"
    part: Literal["train", "validation"] = "train"
    times: Literal[2, 3, 4] = 4
    """Clean pixels per small pixel, per side."""

    @property
    def scale(self) -> int:
        return self.times

    def located(self) -> list[Path]:
        part = "train" if self.part == "train" else "valid"
        inside = (f"DIV2K_{part}_LR_{self.track}/X{self.times}", f"DIV2K_{part}_HR")
        return [find_root("DIV2K", ("DIV2K", "."), folder) / folder for folder in inside]

    def listed(self) -> list[PairRef]:
        small, clean = self.located()
        partner = partners_in(clean)
        result = match_pairs(
            list_images(small),
            lambda path: partner(f"{path.stem.removesuffix(f'x{self.times}')}{path.suffix}"),
            small,
            f"its original under {clean.name} (0001x{self.times}.png belongs to 0001.png)",
        )
        check_count("DIV2K", len(result), 800 if self.part == "train" else 100, small, "pairs")
        return result


def _size(path: Path) -> tuple[int, int]:
    """Width and height by the file's header."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError) as error:  # what Pillow raises for damaged files
        raise DataError(f"the image cannot be read: {error}", where=path) from error
