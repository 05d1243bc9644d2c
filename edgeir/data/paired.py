"""Data sets that come as pairs, a damaged and a clean picture of the same scene, in the layout of their publication.

Each reader looks for its set under ``$EDGEIR_DATA``, checks the layout, and says what it expected and what it found. A
recipe with paired sources has ``degradation: null``. Sets that come in one piece can be divided (`Divided`).

| set | layout |
|---|---|
| DPED | ``dped/<phone>/training_data/{<phone>,canon}/N.jpg``; for tests ``test_data/patches`` instead |
| PIRM | ``pirm/enhance-patches/{iphone,canon}/N.jpg`` or ``dped_patches``, the 400 test patches of PIRM 2018, track B |
| SIDD | ``SIDD_Small_sRGB_Only/Data/<scene>/GT_SRGB_….PNG`` beside ``NOISY_SRGB_….PNG``; or ``SIDD_Medium_Srgb`` |
| RealSR | ``RealSR(V3)/{Canon,Nikon}/{Train,Test}/{2,3,4}/NAME_HR.png`` beside ``NAME_LR4.png``, of equal size |
| GoPro | ``GOPRO_Large/{train,test}/<sequence>/{blur,sharp}/NAME.png`` |
| DID-MDN | ``DID-MDN-training/Rain_{Heavy,Medium,Light}/train2018new/NAME.jpg``, both pictures side by side |
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edgeir.core.files import file_stamp
from edgeir.core.images import list_images
from edgeir.data.pairs import (
    Divided,
    Paired,
    PairRef,
    existing,
    half,
    matched,
    nothing,
    pair_of,
    same_stem,
)
from edgeir.data.places import existing_folder, find_root

__all__ = ["DIDMDN", "DPED", "PIRM", "SIDD", "AnyPaired", "GoPro", "PairedFolders", "RealSR"]


class PairedFolders(Divided):
    """Two folders with files of the same names."""

    kind: Literal["paired-folders"] = "paired-folders"
    given: str
    """The damaged pictures."""
    clean: str
    times: int = Field(1, ge=1, le=4)
    """Clean pixels per damaged pixel, per side."""

    @property
    def scale(self) -> int:
        return self.times

    def pairs(self) -> list[PairRef]:
        given, clean = existing_folder(self.given), existing_folder(self.clean)
        return self.kept(
            matched(list_images(given), lambda path: same_stem(clean, path), given, "a file of the same name")
        )


class PIRM(Divided):
    """The 400 test patches of PIRM 2018's enhancement track, 100x100 pixels, iPhone and Canon (Ignatov et al., 2018).

    Training on a part of them leaves the others for comparisons of one's own; no figure is then comparable with
    published ones.
    """

    kind: Literal["pirm-b"] = "pirm-b"

    def pairs(self) -> list[PairRef]:
        root = find_root("PIRM", ("pirm/enhance-patches", "dped_patches"), "iphone")
        return self.kept(
            matched(
                list_images(root / "iphone"),
                lambda path: same_stem(root / "canon", path),
                root,
                "a file of the same name under canon",
            )
        )


class DPED(Paired):
    """Patches of 100x100 pixels from a phone and from a camera (Ignatov et al., ICCV 2017)."""

    kind: Literal["dped"] = "dped"
    phone: Literal["iphone", "blackberry", "sony"] = "iphone"
    part: Literal["train", "test"] = "train"

    def pairs(self) -> list[PairRef]:
        inside = "training_data" if self.part == "train" else "test_data/patches"
        folder = (
            find_root("DPED", ("dped", "DPED"), f"{self.phone}/{inside}/{self.phone}") / self.phone / inside
        )
        clean = folder / "canon"
        return matched(
            list_images(folder / self.phone),
            lambda path: same_stem(clean, path),
            folder,
            "a file of the same name under canon",
        )


class SIDD(Paired):
    """Real noise of phones, and its clean average (Abdelhamed et al., CVPR 2018); the sRGB sets."""

    kind: Literal["sidd"] = "sidd"
    size: Literal["small", "medium"] = "small"

    def pairs(self) -> list[PairRef]:
        name = "SIDD_Small_sRGB_Only" if self.size == "small" else "SIDD_Medium_Srgb"
        folder = find_root("SIDD", (name, f"SIDD/{name}"), "Data") / "Data"
        clean = [path for scene in sorted(folder.iterdir()) if scene.is_dir() for path in list_images(scene)
                 if "GT_SRGB" in path.name]  # fmt: skip
        noisy = {path: path.with_name(path.name.replace("GT_SRGB", "NOISY_SRGB")) for path in clean}
        return [
            pair_of(f"{path.parent.name}/{path.stem}", existing(noisy[path], path), path) for path in clean
        ] or nothing(folder, "<scene>/GT_SRGB_….PNG")


class RealSR(Paired):
    """Zoomed photographs of the same scene, aligned (Cai et al., ICCV 2019); both have the size of the clean one."""

    kind: Literal["realsr"] = "realsr"
    camera: Literal["Canon", "Nikon"] = "Canon"
    part: Literal["Train", "Test"] = "Train"
    zoom: Literal[2, 3, 4] = 4

    def pairs(self) -> list[PairRef]:
        inside = f"{self.camera}/{self.part}/{self.zoom}"
        folder = find_root("RealSR", ("RealSR(V3)", "RealSR"), inside) / inside
        clean = [path for path in list_images(folder) if path.stem.endswith("_HR")]
        return [
            pair_of(
                path.stem,
                existing(path.with_name(f"{path.stem[:-2]}LR{self.zoom}{path.suffix}"), path),
                path,
            )
            for path in clean
        ] or nothing(folder, f"NAME_HR.png beside NAME_LR{self.zoom}.png")


class GoPro(Paired):
    """Motion blur averaged from a fast camera's frames (Nah et al., CVPR 2017)."""

    kind: Literal["gopro"] = "gopro"
    part: Literal["train", "test"] = "train"
    gamma: bool = False
    """Frames averaged after gamma correction (``blur_gamma``)."""

    def pairs(self) -> list[PairRef]:
        folder = find_root("GoPro", ("GOPRO_Large", "GoPro"), self.part) / self.part
        blur = "blur_gamma" if self.gamma else "blur"
        result: list[PairRef] = []
        for sequence in sorted(path for path in folder.iterdir() if path.is_dir()):
            sharp = list_images(sequence / "sharp") if (sequence / "sharp").is_dir() else []
            result += [
                pair_of(f"{sequence.name}/{path.stem}", existing(sequence / blur / path.name, path), path)
                for path in sharp
            ]
        return result or nothing(folder, "<sequence>/sharp/NAME.png")


class DIDMDN(Paired):
    """Rain of three densities (Zhang and Patel, CVPR 2018): the two pictures lie side by side in one file."""

    kind: Literal["did-mdn"] = "did-mdn"
    density: Literal["Heavy", "Medium", "Light"] = "Heavy"
    rainy: Literal["left", "right"] = "left"
    """Which half is the rainy one."""

    def pairs(self) -> list[PairRef]:
        inside = f"Rain_{self.density}/train2018new"
        folder = find_root("DID-MDN", ("DID-MDN-training", "DID-MDN"), inside) / inside
        halves = (0, 1) if self.rainy == "left" else (1, 0)
        return [
            PairRef(path.stem, file_stamp(path), half(path, halves[0]), half(path, halves[1]))
            for path in list_images(folder)
        ] or nothing(folder, "NAME.jpg")


AnyPaired = Annotated[
    PairedFolders | DPED | PIRM | SIDD | RealSR | GoPro | DIDMDN, Field(discriminator="kind")
]
"""Every paired source, discriminated by `kind`."""
