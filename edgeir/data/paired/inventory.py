"""Which of the published paired sets are here: every part of a set is looked for as its source looks for it."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from edgeir.core.errors import DataError
from edgeir.data.paired.base import Paired
from edgeir.data.paired.hdf5 import DND, NYU2Haze
from edgeir.data.paired.published import DIDMDN, DIV2KLR, DPED, PIRM, SIDD, GoPro, RealSR

__all__ = ["PAIRED_SETS", "find_paired"]

PAIRED_SETS: dict[str, type[Paired]] = {
    "DPED": DPED, "PIRM": PIRM, "SIDD": SIDD, "RealSR": RealSR, "GoPro": GoPro, "DID-MDN": DIDMDN, "DIV2K-LR": DIV2KLR,
    "NYU2": NYU2Haze, "DND": DND,
}  # fmt: skip
"""Name of a set to its source."""


def find_paired(name: str) -> list[Path]:
    """The folders and files of every part of a paired set that is here, each once; empty where there is none."""
    paths: dict[Path, None] = {}
    for source in _parts(PAIRED_SETS[name]):
        try:
            paths.update(dict.fromkeys(source.located()))
        except DataError:
            continue
    return list(paths)


def _parts(source: type[Paired]) -> Iterator[Paired]:
    """The source with every combination of its settings of few values: part, phone, camera, zoom …"""
    choices = {
        name: typing.get_args(field.annotation)
        for name, field in source.model_fields.items()
        if typing.get_origin(field.annotation) is Literal
    }
    for values in itertools.product(*choices.values()):
        yield source.model_validate(dict(zip(choices, values, strict=True)))
