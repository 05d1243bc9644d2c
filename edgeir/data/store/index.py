"""``index.json`` and ``journal.jsonl`` of a store: where each pair lies in its files, and which images were left out.

Both are read as something that may have been changed or cut short: what does not describe a store is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeir.core.errors import DataError
from edgeir.core.files import write_json

__all__ = [
    "Entry",
    "Record",
    "Skipped",
    "end_of",
    "entry_of",
    "hash_of",
    "hr_view",
    "line_of",
    "lr_view",
    "mapped",
    "read_index",
    "write_index",
]

Pixels = npt.NDArray[np.uint8]
_HASH = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Record:
    """Where one pair lies. Sizes are (height, width) of the clean image; the degraded one is `scale` smaller."""

    name: str
    size: tuple[int, int]
    hr_offset: int
    lr_offset: int
    sha256: str


@dataclass(frozen=True)
class Skipped:
    """An image that could not be read and was left out.

    Attributes:
        item: its place among the sources' images.
        problem: the error's line, with its path.
    """

    item: int
    problem: str


Entry = Record | Skipped


def end_of(records: Sequence[Record], scale: int, *, hr: bool) -> int:
    """Bytes of the clean (`hr`) or of the degraded images."""
    if not records:
        return 0
    last = records[-1]
    pixels = last.size[0] * last.size[1] * 3
    return last.hr_offset + pixels if hr else last.lr_offset + pixels // scale**2


def mapped(path: Path) -> Pixels:
    """The file's bytes without reading them into memory; an empty file cannot be mapped."""
    return np.memmap(path, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)


def hr_view(record: Record, memory: Pixels) -> Pixels:
    """The clean image, (H, W, 3), in the bytes of ``hr.bin``; `ValueError` where they end before it does."""
    height, width = record.size
    return memory[record.hr_offset : record.hr_offset + height * width * 3].reshape(height, width, 3)


def lr_view(record: Record, memory: Pixels, scale: int) -> Pixels:
    """The degraded image in the bytes of ``lr.bin``; errors as for `hr_view`."""
    low = (record.size[0] // scale, record.size[1] // scale, 3)
    return memory[record.lr_offset : record.lr_offset + low[0] * low[1] * 3].reshape(low)


def hash_of(lr: Pixels | None, hr: Pixels) -> str:
    """SHA-256 of a pair, or of a clean image alone."""
    digest = hashlib.sha256(b"" if lr is None else np.ascontiguousarray(lr).data)
    digest.update(np.ascontiguousarray(hr).data)
    return digest.hexdigest()


def line_of(entry: Entry) -> str:
    """One line of the journal."""
    return json.dumps(asdict(entry)) + "\n"


def entry_of(line: str, before: Sequence[Record], scale: int) -> Entry:
    """Inverse of `line_of`; `before` are the records that come first.

    Raises:
        ValueError: it is no line, or none that can follow.
    """
    try:
        return _entry(json.loads(line), before, scale)
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError("no entry") from error


def write_index(path: Path, scale: int, records: Sequence[Record], skipped: Sequence[Skipped]) -> None:
    """Write ``index.json``, whole."""
    values: dict[str, Any] = {"scale": scale, "pairs": [asdict(record) for record in records]}
    if skipped:
        values["skipped"] = [asdict(entry) for entry in skipped]
    write_json(path, values)


def read_index(path: Path, scale: int, items: int) -> tuple[list[Record], list[Skipped]]:
    """The pairs of a store made from `items` images, and what was left out of it.

    Raises:
        DataError: the file is damaged.
    """
    records: list[Record] = []
    skipped: list[Skipped] = []
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        for value in [*values["pairs"], *values.get("skipped", [])]:
            entry = _entry(value, records, scale)
            if isinstance(entry, Record):
                records.append(entry)
            else:
                skipped.append(entry)
        places = {entry.item for entry in skipped}
        if values["scale"] != scale or len(records) + len(places) != items or not places <= set(range(items)):
            raise ValueError("another number of images")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            "the index is damaged", where=path, fix="delete the folder; it is made anew"
        ) from error
    return records, skipped


def _entry(value: Any, before: Sequence[Record], scale: int) -> Entry:
    if "problem" in value:
        left_out = Skipped(**value)
        if type(left_out.item) is not int or not isinstance(left_out.problem, str):
            raise ValueError("no entry")
        return left_out
    record = Record(**{**value, "size": tuple(value["size"])})
    sides = record.size
    sound = (
        isinstance(record.name, str)
        and isinstance(record.sha256, str)
        and len(record.sha256) == 64
        and _HASH.issuperset(record.sha256)
        and len(sides) == 2
        and all(type(side) is int and side > 0 and side % scale == 0 for side in sides)
        and record.hr_offset == end_of(before, scale, hr=True)
        and record.lr_offset == end_of(before, scale, hr=False)
    )
    if not sound:
        raise ValueError("no record")
    return record
