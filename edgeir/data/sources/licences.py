"""The licences of training images: read from a list beside them, counted, carried into the card of what they train.

The list is ``MANIFEST.csv`` in the images' folder, UTF-8, with the columns ``file`` (name with suffix) and ``licence``,
and for ``free_only`` also ``free_licence`` (``yes``: anybody may use, change and sell the image; or ``no``).
Other columns, such as source and author, are left to readers.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from edgeir.core.errors import DataError

__all__ = ["LIST_NAME", "UNSTATED", "free_images", "licence_counts"]

LIST_NAME = "MANIFEST.csv"
UNSTATED = "not stated"
"""Counted under this name: images without a list, or without a licence in it."""
_SHOWN = 5


def licence_counts(paths: Iterable[Path]) -> dict[str, int]:
    """The number of images under each licence, the most frequent first; `UNSTATED` where no list names one.

    Raises:
        DataError: a list cannot be read.
    """
    folders: dict[Path, dict[str, dict[str, str]]] = {}
    counts: Counter[str] = Counter()
    for path in paths:
        if path.parent not in folders:
            there = (path.parent / LIST_NAME).is_file()
            folders[path.parent] = _rows(path.parent, ("file", "licence")) if there else {}
        row = folders[path.parent].get(path.name, {})
        counts[row.get("licence", "").strip() or UNSTATED] += 1
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def free_images(paths: Sequence[Path]) -> list[Path]:
    """Those of `paths`, all in one folder, whose licence is free.

    Raises:
        DataError: the list is missing, lacks an image, or says neither yes nor no.
    """
    if not paths:
        return []
    folder = paths[0].parent
    rows = _rows(folder, ("file", "licence", "free_licence"))
    unknown = [
        path.name for path in paths if rows.get(path.name, {}).get("free_licence") not in ("yes", "no")
    ]
    if unknown:
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise DataError(
            f"{LIST_NAME} does not say whether the licence is free of {', '.join(unknown[:_SHOWN])}{more}",
            where=folder,
            fix="add them to the list with free_licence yes or no, or train without `free_only`",
        )
    return [path for path in paths if rows[path.name]["free_licence"] == "yes"]


def _rows(folder: Path, columns: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """The rows of the folder's list by file name.

    Raises:
        DataError: it is missing, is no such list, or names a file twice.
    """
    path = folder / LIST_NAME
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"the list has no column {' and '.join(map(repr, missing))}", where=path)
            found = [
                {key: value for key, value in row.items() if key and value is not None} for row in reader
            ]
    except FileNotFoundError as error:
        raise DataError(
            f"there is no {LIST_NAME}, which states the images' licences", where=folder
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"the list cannot be read: {error}", where=path) from error
    twice = [name for name, count in Counter(row.get("file", "") for row in found).items() if count > 1]
    if twice:
        raise DataError(f"the list names `{twice[0]}` twice", where=path)
    return {row["file"]: row for row in found if row.get("file")}
