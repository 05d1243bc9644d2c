"""Data sets that come as pairs, a degraded and a clean image of the same scene, in the layout of their publication.

Each reader looks for its set under ``$EDGEIR_DATA``, checks the layout, and says what it expected and what it found. A
recipe with paired sources has ``degradation: null``; what degrades the given images further is their source's
`extra_degradation`.
Sets that come in one piece can be divided (`Divided`).

| set | layout |
|---|---|
| DPED | ``dped/<phone>/training_data/{<phone>,canon}/N.jpg``; for tests ``test_data/patches`` instead |
| PIRM | ``pirm/enhance-patches/{iphone,canon}/N.jpg`` or ``dped_patches``, the 400 test patches of PIRM 2018, track B |
| SIDD | see `edgeir.data.paired.sidd` |
| RealSR, DIV2K's own small images | see `edgeir.data.paired.realsr` |
| GoPro | ``GOPRO_Large/{train,test}/<sequence>/{blur,sharp}/NAME.png`` |
| DID-MDN | ``DID-MDN-training/Rain_{Heavy,Medium,Light}/train2018new/NAME.jpg``, ``DID-MDN-test/NAME.jpg``, halves |
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from edgeir.core.errors import DataError
from edgeir.core.files import file_stamp
from edgeir.data.locate import check_count, find_root, folder_contents, resolve_path
from edgeir.data.paired.base import (
    Divided,
    Paired,
    PairRef,
    half_of,
    match_pairs,
    no_pairs,
    pair_of,
    partners_in,
    required_partner,
)
from edgeir.data.paired.realsr import DIV2KLR, RealSR
from edgeir.data.paired.sidd import SIDD
from edgeir.imaging.files import list_images

__all__ = ["DIDMDN", "DIV2KLR", "DPED", "PIRM", "SIDD", "GoPro", "PairedFolders", "RealSR"]


class PairedFolders(Divided):
    """Two folders with files of the same names, in the working directory or else below ``$EDGEIR_DATA``."""

    kind: Literal["paired-folders"] = "paired-folders"
    given: str
    """The degraded images."""
    clean: str
    times: int = Field(1, ge=1, le=4)
    """Clean pixels per degraded pixel, per side."""

    @property
    def scale(self) -> int:
        return self.times

    def located(self) -> list[Path]:
        return [resolve_path(self.given), resolve_path(self.clean)]

    def listed(self) -> list[PairRef]:
        given, clean = self.located()
        partner = partners_in(clean)
        return self.kept(
            match_pairs(
                list_images(given), lambda path: partner(path.name), given, "an image of the same name"
            )
        )


class PIRM(Divided):
    """The 400 test patches of PIRM 2018's enhancement track, 100x100 pixels, iPhone and Canon (Ignatov et al., 2018).

    Training on a part of them leaves the others for comparisons of one's own; no figure is then comparable with
    published ones.
    """

    kind: Literal["pirm-b"] = "pirm-b"

    def located(self) -> list[Path]:
        return [find_root("PIRM", ("pirm/enhance-patches", "dped_patches"), "iphone")]

    def listed(self) -> list[PairRef]:
        (root,) = self.located()
        given, partner = list_images(root / "iphone"), partners_in(root / "canon")
        return self.kept(
            match_pairs(given, lambda path: partner(path.name), root, "an image of the same name under canon")
        )


class DPED(Paired):
    """Patches of 100x100 pixels from a phone and from a camera (Ignatov et al., ICCV 2017)."""

    kind: Literal["dped"] = "dped"
    phone: Literal["iphone", "blackberry", "sony"] = "iphone"
    part: Literal["train", "test"] = "train"

    def located(self) -> list[Path]:
        inside = "training_data" if self.part == "train" else "test_data/patches"
        root = find_root("DPED", ("dped", "DPED"), f"{self.phone}/{inside}/{self.phone}")
        return [root / self.phone / inside]

    def listed(self) -> list[PairRef]:
        (folder,) = self.located()
        given, partner = list_images(folder / self.phone), partners_in(folder / "canon")
        return match_pairs(
            given, lambda path: partner(path.name), folder, "an image of the same name under canon"
        )


class GoPro(Paired):
    """Motion blur averaged from a fast camera's frames (Nah et al., CVPR 2017): 2,103 and 1,111 pairs."""

    kind: Literal["gopro"] = "gopro"
    part: Literal["train", "test"] = "train"
    gamma: bool = False
    """Frames averaged after gamma correction (``blur_gamma``)."""

    def located(self) -> list[Path]:
        return [find_root("GoPro", ("GOPRO_Large", "GoPro"), self.part) / self.part]

    def listed(self) -> list[PairRef]:
        (folder,) = self.located()
        blur = "blur_gamma" if self.gamma else "blur"
        result: list[PairRef] = []
        for sequence in sorted(folder.iterdir()):
            if sequence.name.startswith(".") or not sequence.is_dir():
                continue
            missing = [name for name in (blur, "sharp") if not (sequence / name).is_dir()]
            if missing:
                raise DataError(
                    f"there is no {' and no '.join(missing)} here, only {folder_contents(sequence)}",
                    where=sequence,
                    fix=f"every sequence has {blur}/NAME.png and sharp/NAME.png",
                )
            for path in list_images(sequence / blur):
                required_partner(sequence / "sharp" / path.name, path)
            result += [
                pair_of(
                    f"{sequence.name}/{path.stem}", required_partner(sequence / blur / path.name, path), path
                )
                for path in list_images(sequence / "sharp")
            ]
        check_count("GoPro", len(result), 2103 if self.part == "train" else 1111, folder, "pairs")
        return result or no_pairs(folder, "<sequence>/sharp/NAME.png")


class DIDMDN(Paired):
    """Rain of three densities (Zhang and Patel, CVPR 2018): the two images lie side by side in one file.

    4,000 pairs of each density for training, and 1,200 of all for tests.
    """

    kind: Literal["did-mdn"] = "did-mdn"
    part: Literal["train", "test"] = "train"
    density: Literal["Heavy", "Medium", "Light"] = "Heavy"
    """Of the training pairs; the test pairs are not sorted by it."""
    rainy: Literal["left", "right"] = "left"
    """Which half is the rainy one."""

    def located(self) -> list[Path]:
        if self.part == "train":
            inside = f"Rain_{self.density}/train2018new"
            roots: tuple[str, ...] = ("DID-MDN-training", "DID-MDN", "DID-MDN-datasets/DID-MDN-training")
        else:
            inside, roots = "DID-MDN-test", (".", "DID-MDN", "DID-MDN-datasets")
        return [find_root("DID-MDN", roots, inside) / inside]

    def listed(self) -> list[PairRef]:
        (folder,) = self.located()
        halves = (0, 1) if self.rainy == "left" else (1, 0)
        result = [
            PairRef(
                path.stem,
                f"{file_stamp(path)}:{self.rainy}",
                half_of(path, halves[0]),
                half_of(path, halves[1]),
                where=path,
            )
            for path in list_images(folder)
        ]
        check_count("DID-MDN", len(result), 4000 if self.part == "train" else 1200, folder, "pairs")
        return result or no_pairs(folder, "NAME.jpg")
