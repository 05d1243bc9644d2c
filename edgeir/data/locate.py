"""Where data sets lie: ``$EDGEIR_DATA``, the first of several layouts, and what to say where none of them is there."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path, PurePosixPath

from edgeir.core.errors import DataError

__all__ = [
    "data_root",
    "entries",
    "find_root",
    "placed",
    "remark_count",
    "remarks",
    "required_root",
    "seen",
]

LOG = logging.getLogger(__name__)
SHOWN = 5
"""Entries of a folder that an error lists."""


def data_root() -> Path | None:
    """``$EDGEIR_DATA``, or None where it is not set."""
    value = os.environ.get("EDGEIR_DATA")
    return Path(value).expanduser() if value else None


def required_root(name: str, expected: str) -> Path:
    """``$EDGEIR_DATA``; `DataError` where it is not set or no folder, saying what it must hold for the set `name`."""
    root = data_root()
    if root is None:
        raise DataError(
            f"the data set {name} is needed, but EDGEIR_DATA is not set",
            fix=f"set EDGEIR_DATA to the folder that holds {expected}",
        )
    if not root.is_dir():
        raise DataError(
            f"the data set {name} was not found; EDGEIR_DATA names a folder that does not exist",
            where=root,
            fix=f"set it to the folder that holds {expected}",
        )
    return root


def placed(path: str, *, file: bool = False) -> Path:
    """A folder, or a file, by its path: from the working directory, or else below ``$EDGEIR_DATA``; ``~`` is expanded.

    Raises:
        DataError: it is in neither, with the places tried and how to mend it.
    """
    here, root = Path(path).expanduser(), data_root()
    places = [here] if here.is_absolute() or root is None else [here, root / here]
    for place in places:
        if place.is_file() if file else place.is_dir():
            return place
    tried = " or ".join(str(place.absolute()) for place in places)
    fix = "put it there, or give another path"
    if not here.is_absolute() and root is None:
        fix = "EDGEIR_DATA, under which it is looked for too, is not set: set it, or give another path"
    raise DataError(f"no such {'file' if file else 'folder'}; looked for {tried}", where=path, fix=fix)


def find_root(name: str, roots: Iterable[str], inside: str, *, file: bool = False) -> Path:
    """The first of `roots` under ``$EDGEIR_DATA`` that has the folder, or the file, `inside`; ``.`` is that folder.

    Raises:
        DataError: none has it, with what is there.
    """
    tried = list(roots)
    places = [(PurePosixPath(folder) / inside).as_posix() for folder in tried]
    expected = " or ".join(places)
    root = required_root(name, expected)
    for folder, place in zip(tried, places, strict=True):
        if (root / place).is_file() if file else (root / place).is_dir():
            return root / folder
    raise DataError(
        f"the data set {name} was not found; {seen(root, places)}", where=root, fix=f"put it into {expected}"
    )


def seen(root: Path, tried: Iterable[str]) -> str:
    """What lies in the folder under `root` that is there and nearest to one of the places `tried`, for an error."""
    nearest = root
    for place in tried:
        folder = root / place
        while folder != root and not folder.is_dir():
            folder = folder.parent
        if len(folder.parts) > len(nearest.parts):
            nearest = folder
    where = "it" if nearest == root else nearest.relative_to(root).as_posix()
    return f"in {where} there is {entries(nearest)}"


def entries(folder: Path) -> str:
    """The first few names in a folder, or "nothing"; hidden ones are left out."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    more = ["…"] if len(names) > SHOWN else []
    return ", ".join([*names[:SHOWN], *more]) or "nothing"


_REMARKS: ContextVar[list[str] | None] = ContextVar("remarks", default=None)


@contextlib.contextmanager
def remarks() -> Iterator[list[str]]:
    """Collect what `remark_count` has to say inside, for a result, instead of logging it."""
    collected: list[str] = []
    token = _REMARKS.set(collected)
    try:
        yield collected
    finally:
        _REMARKS.reset(token)


def remark_count(name: str, found: int, published: int, where: Path, what: str = "pictures") -> None:
    """Log a warning where a set is not whole (or has more than was published): its figures compare with no other."""
    if found == published:
        return
    remark = f"{name} has {found} {what} here instead of the {published} published: not comparable"
    if (collected := _REMARKS.get()) is not None:
        collected.append(remark)
    else:
        LOG.warning("%s: %s", where, remark)
