"""Data sets that come as pairs, a damaged and a clean picture of the same scene, in the layout of their publication.

Each reader looks for its set under ``$EDGEIR_DATA``, checks the layout, and says what it expected and what it found. A
recipe with paired sources has ``degradation: null``.

| set | layout |
|---|---|
| DPED | ``dped/<phone>/training_data/{<phone>,canon}/N.jpg``; for tests ``test_data/patches`` instead |
| SIDD | ``SIDD_Small_sRGB_Only/Data/<scene>/GT_SRGB_….PNG`` beside ``NOISY_SRGB_….PNG``; or ``SIDD_Medium_Srgb`` |
| RealSR | ``RealSR(V3)/{Canon,Nikon}/{Train,Test}/{2,3,4}/NAME_HR.png`` beside ``NAME_LR4.png``, of equal size |
| GoPro | ``GOPRO_Large/{train,test}/<sequence>/{blur,sharp}/NAME.png`` |
| DID-MDN | ``DID-MDN-training/Rain_{Heavy,Medium,Light}/train2018new/NAME.jpg``, both pictures side by side |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.errors import DataError
from edgeir.core.images import list_images, read_rgb
from edgeir.data.sources import data_root

__all__ = ["DIDMDN", "DPED", "SIDD", "AnyPaired", "GoPro", "PairRef", "PairedFolders", "RealSR"]

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PairRef:
    """One pair that can be loaded.

    Attributes:
        name: unique within its source.
        stamp: identifies the bytes of both files.
        given, clean: decode to (H, W, 3) uint8 RGB; the clean one is `scale` times larger.
    """

    name: str
    stamp: str
    given: Callable[[], Pixels]
    clean: Callable[[], Pixels]


class Paired(Config):
    """What every paired source has in common."""

    weight: float = Field(1.0, gt=0)
    """How often a pixel of this source is sampled, relative to the other sources."""

    @property
    def scale(self) -> int:
        """Clean pixels per damaged pixel, per side."""
        return 1

    def pairs(self) -> list[PairRef]:
        """List the pairs.

        Raises:
            DataError: the set, or a file of a pair, is not where it belongs.
        """
        raise NotImplementedError


class PairedFolders(Paired):
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
        given, clean = (Path(folder).expanduser() for folder in (self.given, self.clean))
        for folder in (given, clean):
            if not folder.is_dir():
                raise DataError("no such folder", where=folder)
        return _matched(
            list_images(given), lambda path: _same_stem(clean, path), given, "a file of the same name"
        )


class DPED(Paired):
    """Patches of 100x100 pixels from a phone and from a camera (Ignatov et al., ICCV 2017)."""

    kind: Literal["dped"] = "dped"
    phone: Literal["iphone", "blackberry", "sony"] = "iphone"
    part: Literal["train", "test"] = "train"

    def pairs(self) -> list[PairRef]:
        inside = "training_data" if self.part == "train" else "test_data/patches"
        folder = _find("DPED", ("dped", "DPED"), f"{self.phone}/{inside}/{self.phone}") / self.phone / inside
        clean = folder / "canon"
        return _matched(
            list_images(folder / self.phone),
            lambda path: _same_stem(clean, path),
            folder,
            "a file of the same name under canon",
        )


class SIDD(Paired):
    """Real noise of phones, and its clean average (Abdelhamed et al., CVPR 2018); the sRGB sets."""

    kind: Literal["sidd"] = "sidd"
    size: Literal["small", "medium"] = "small"

    def pairs(self) -> list[PairRef]:
        name = "SIDD_Small_sRGB_Only" if self.size == "small" else "SIDD_Medium_Srgb"
        folder = _find("SIDD", (name, f"SIDD/{name}"), "Data") / "Data"
        clean = [path for scene in sorted(folder.iterdir()) if scene.is_dir() for path in list_images(scene)
                 if "GT_SRGB" in path.name]  # fmt: skip
        noisy = {path: path.with_name(path.name.replace("GT_SRGB", "NOISY_SRGB")) for path in clean}
        return [
            _pair(f"{path.parent.name}/{path.stem}", _existing(noisy[path], path), path) for path in clean
        ] or _nothing(folder, "<scene>/GT_SRGB_….PNG")


class RealSR(Paired):
    """Zoomed photographs of the same scene, aligned (Cai et al., ICCV 2019); both have the size of the clean one."""

    kind: Literal["realsr"] = "realsr"
    camera: Literal["Canon", "Nikon"] = "Canon"
    part: Literal["Train", "Test"] = "Train"
    zoom: Literal[2, 3, 4] = 4

    def pairs(self) -> list[PairRef]:
        inside = f"{self.camera}/{self.part}/{self.zoom}"
        folder = _find("RealSR", ("RealSR(V3)", "RealSR"), inside) / inside
        clean = [path for path in list_images(folder) if path.stem.endswith("_HR")]
        return [
            _pair(
                path.stem,
                _existing(path.with_name(f"{path.stem[:-2]}LR{self.zoom}{path.suffix}"), path),
                path,
            )
            for path in clean
        ] or _nothing(folder, f"NAME_HR.png beside NAME_LR{self.zoom}.png")


class GoPro(Paired):
    """Motion blur averaged from a fast camera's frames (Nah et al., CVPR 2017)."""

    kind: Literal["gopro"] = "gopro"
    part: Literal["train", "test"] = "train"
    gamma: bool = False
    """Frames averaged after gamma correction (``blur_gamma``)."""

    def pairs(self) -> list[PairRef]:
        folder = _find("GoPro", ("GOPRO_Large", "GoPro"), self.part) / self.part
        blur = "blur_gamma" if self.gamma else "blur"
        result: list[PairRef] = []
        for sequence in sorted(path for path in folder.iterdir() if path.is_dir()):
            sharp = list_images(sequence / "sharp") if (sequence / "sharp").is_dir() else []
            result += [
                _pair(f"{sequence.name}/{path.stem}", _existing(sequence / blur / path.name, path), path)
                for path in sharp
            ]
        return result or _nothing(folder, "<sequence>/sharp/NAME.png")


class DIDMDN(Paired):
    """Rain of three densities (Zhang and Patel, CVPR 2018): the two pictures lie side by side in one file."""

    kind: Literal["did-mdn"] = "did-mdn"
    density: Literal["Heavy", "Medium", "Light"] = "Heavy"
    rainy: Literal["left", "right"] = "left"
    """Which half is the rainy one."""

    def pairs(self) -> list[PairRef]:
        inside = f"Rain_{self.density}/train2018new"
        folder = _find("DID-MDN", ("DID-MDN-training", "DID-MDN"), inside) / inside
        halves = (0, 1) if self.rainy == "left" else (1, 0)
        return [
            PairRef(path.stem, _stamp(path), _half(path, halves[0]), _half(path, halves[1]))
            for path in list_images(folder)
        ] or _nothing(folder, "NAME.jpg")


AnyPaired = Annotated[PairedFolders | DPED | SIDD | RealSR | GoPro | DIDMDN, Field(discriminator="kind")]
"""Every paired source, discriminated by `kind`."""


def _find(name: str, roots: Iterable[str], inside: str) -> Path:
    """The first of `roots` under ``$EDGEIR_DATA`` that has the folder `inside`."""
    root, tried = data_root(), list(roots)
    expected = " or ".join(f"{folder}/{inside}" for folder in tried)
    if root is None:
        raise DataError(
            f"the data set {name} is needed, but EDGEIR_DATA is not set",
            fix=f"set EDGEIR_DATA to the folder that holds {expected}",
        )
    for folder in tried:
        if (root / folder / inside).is_dir():
            return root / folder
    there = [folder for folder in tried if (root / folder).is_dir()]
    found = sorted(path.name for folder in there for path in (root / folder).iterdir())[:5]
    seen = f"; in {there[0]} there is {', '.join(found) or 'nothing'}" if there else ""
    raise DataError(f"the data set {name} was not found{seen}", where=root, fix=f"put it into {expected}")


def _nothing(folder: Path, expected: str) -> list[PairRef]:
    found = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
    raise DataError(f"there is no pair here, only {found}", where=folder, fix=f"the layout is {expected}")


def _matched(
    given: list[Path], partner: Callable[[Path], Path | None], folder: Path, expected: str
) -> list[PairRef]:
    if not given:
        raise DataError("the folder holds no image", where=folder)
    partners = {path: partner(path) for path in given}
    missing = [path.name for path, other in partners.items() if other is None]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(given)} images have no partner, first `{missing[0]}`",
            where=folder,
            fix=f"each needs {expected}",
        )
    return [_pair(path.stem, path, other) for path, other in partners.items() if other is not None]


def _same_stem(folder: Path, path: Path) -> Path | None:
    exact = folder / path.name
    return exact if exact.is_file() else next(iter(sorted(folder.glob(f"{path.stem}.*"))), None)


def _existing(path: Path, partner: Path) -> Path:
    if not path.is_file():
        raise DataError(f"{path.name} is missing, the partner of {partner.name}", where=path.parent)
    return path


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"


def _pair(name: str, given: Path, clean: Path) -> PairRef:
    return PairRef(name, f"{_stamp(given)}|{_stamp(clean)}", lambda: read_rgb(given), lambda: read_rgb(clean))


def _half(path: Path, side: int) -> Callable[[], Pixels]:
    def load() -> Pixels:
        image = read_rgb(path)
        width = image.shape[1] // 2
        return np.ascontiguousarray(image[:, side * width : (side + 1) * width])

    return load
