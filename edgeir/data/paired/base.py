"""The interface of a paired source, and the matching of its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, field_validator, model_validator

from edgeir.core.config import Config
from edgeir.core.errors import DataError
from edgeir.core.files import file_stamp
from edgeir.data.degrade import AnyDegradation
from edgeir.data.locate import folder_contents
from edgeir.data.sources.base import Weight, by_name
from edgeir.imaging.files import list_images, read_rgb

__all__ = [
    "Divided",
    "PairRef",
    "Paired",
    "half_of",
    "match_pairs",
    "no_pairs",
    "pair_of",
    "partners_in",
    "required_partner",
]

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PairRef:
    """One pair that can be loaded.

    Attributes:
        name: unique within its source.
        stamp: identifies the bytes of both files.
        given, clean: decode to (H, W, 3) uint8 RGB; the clean one is `scale` times larger.
        extra_degradation: degrades the given one further, applied by the user of the pair: for every patch anew, or
            once per image.
        where: the file of the given one, for errors.
    """

    name: str
    stamp: str
    given: Callable[[], Pixels]
    clean: Callable[[], Pixels]
    extra_degradation: AnyDegradation | None = None
    where: Path | None = None


class Paired(Config):
    """Base of the paired sources."""

    renamed: ClassVar[dict[str, str]] = {"then": "extra_degradation"}

    weight: Weight = 1.0
    """How often a pixel of this source is sampled, relative to the other sources."""
    extra_degradation: AnyDegradation | None = None
    """Degrades the given images further (DID-HY: blur, noise and JPEG on DID-MDN's rain), drawn as `data.degradation`
    is for other sources. It must keep the size and the three channels."""

    @model_validator(mode="before")
    @classmethod
    def _without_former_default(cls, values: Any) -> Any:
        """Files that edgeir wrote with every setting (a run's recipe, the suite of a result) have ``then: null``."""
        if isinstance(values, dict) and values.get("then", ...) is None:
            return {key: value for key, value in values.items() if key != "then"}
        return values

    @field_validator("extra_degradation")
    @classmethod
    def _keeps_the_shape(cls, value: AnyDegradation | None) -> AnyDegradation | None:
        if value is not None and value.scale != 1:
            raise ValueError(f"it must keep the size, but `{value.kind}` shrinks by {value.scale}")
        if getattr(value, "noise_map", False):
            raise ValueError("it must keep the three channels, but `noise_map` appends one")
        return value

    @property
    def scale(self) -> int:
        """Clean pixels per degraded pixel, per side."""
        return 1

    def located(self) -> list[Path]:
        """The folders and files that the set is read from.

        Raises:
            DataError: the set is not where it belongs.
        """
        raise NotImplementedError

    def pairs(self) -> list[PairRef]:
        """List the pairs, each with `extra_degradation`.

        Raises:
            DataError: the set, or a file of a pair, is not where it belongs.
        """
        return [replace(pair, extra_degradation=self.extra_degradation) for pair in self.listed()]

    def listed(self) -> list[PairRef]:
        """The pairs as they lie on the disk; errors as for `pairs`."""
        raise NotImplementedError


class Divided(Paired):
    """A set that comes in one piece, of which a part can be held out."""

    part: Literal["all", "train", "held-out"] = "all"
    every: int = Field(4, ge=2, le=1_000_000)
    """``held-out`` is the first pair of every so many, in the order of their names; ``train`` is the others."""

    def kept(self, pairs: list[PairRef]) -> list[PairRef]:
        """The pairs of this part, in the order of their names, numbers by value.

        Raises:
            DataError: none is left.
        """
        ordered = sorted(
            pairs, key=lambda pair: (len(pair.name), pair.name) if pair.name.isdigit() else (0, pair.name)
        )
        held_out = self.part == "held-out"
        left = [
            pair
            for position, pair in enumerate(ordered)
            if self.part == "all" or (position % self.every == 0) == held_out
        ]
        if not left:
            raise DataError(f"the part `{self.part}` of {len(pairs)} pairs is empty", fix="use part: all")
        return left


def no_pairs(folder: Path, expected: str) -> list[PairRef]:
    """Raise `DataError`: no pair in `folder`, but what is there."""
    raise DataError(
        f"there is no pair here, only {folder_contents(folder)}",
        where=folder,
        fix=f"the layout is {expected}",
    )


def match_pairs(
    given: list[Path], partner: Callable[[Path], Path | None], folder: Path, expected: str
) -> list[PairRef]:
    """Pairs of `given` and `partner` of each.

    Raises:
        DataError: there is no image, one without partner, whose place `expected` tells, or two of one name.
    """
    if not given:
        raise DataError(f"the folder holds no image, only {folder_contents(folder)}", where=folder)
    partners = {path: partner(path) for path in by_name(given).values()}
    missing = [path.name for path, other in partners.items() if other is None]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(given)} images have no partner, first `{missing[0]}`",
            where=folder,
            fix=f"each needs {expected}",
        )
    return [pair_of(path.stem, path, other) for path, other in partners.items() if other is not None]


def partners_in(folder: Path) -> Callable[[str], Path | None]:
    """A function that finds the image of a file name in `folder`: with the same suffix, or else with another one.

    Raises:
        DataError: as for `list_images`; and the function, where two images could be meant.
    """
    by_name: dict[str, Path] = {}
    by_stem: dict[str, list[Path]] = {}
    for path in list_images(folder):
        by_name[path.name] = path
        by_stem.setdefault(path.stem, []).append(path)

    def find(name: str) -> Path | None:
        candidates = [by_name[name]] if name in by_name else by_stem.get(Path(name).stem, [])
        if len(candidates) > 1:
            both = " and ".join(f"`{path.name}`" for path in candidates[:2])
            raise DataError(
                f"{both} could both be the partner of `{name}`", where=folder, fix="keep one of them"
            )
        return candidates[0] if candidates else None

    return find


def required_partner(path: Path, partner: Path) -> Path:
    """`path`; `DataError` where there is no such file."""
    if not path.is_file():
        raise DataError(f"{path.name} is missing, the partner of {partner.name}", where=path.parent)
    return path


def pair_of(name: str, given: Path, clean: Path) -> PairRef:
    """The pair of two files."""
    return PairRef(
        name,
        f"{file_stamp(given)}|{file_stamp(clean)}",
        lambda: read_rgb(given),
        lambda: read_rgb(clean),
        where=given,
    )


def half_of(path: Path, side: int) -> Callable[[], Pixels]:
    """Reader of the left (0) or right (1) half of an image."""

    def load() -> Pixels:
        image = read_rgb(path)
        width = image.shape[1] // 2
        return np.ascontiguousarray(image[:, side * width : (side + 1) * width])

    return load
