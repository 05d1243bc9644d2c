"""The folders of data sets: ``$EDGEIR_DATA``, the first of several layouts, and the error if there is none of them."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path, PurePosixPath

from edgeir.core.errors import DataError

__all__ = [
    "check_count",
    "collect_count_warnings",
    "data_root",
    "find_root",
    "folder_contents",
    "nearest_contents",
    "required_root",
    "resolve_path",
]

LOG = logging.getLogger(__name__)
SHOWN = 5
"""Entries of a folder that an error lists."""


def data_root() -> Path | None:
    """``$EDGEIR_DATA``, or None where it is not set."""
    value = os.environ.get("EDGEIR_DATA")
    return _expanded(value) if value else None


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


def resolve_path(path: str, *, file: bool = False) -> Path:
    """A folder, or a file, by its path: from the working directory, or else below ``$EDGEIR_DATA``; ``~`` is expanded.

    Raises:
        DataError: it is in neither, with the folders tried and what to do.
    """
    here, root = _expanded(path), data_root()
    candidates = [here] if here.is_absolute() or root is None else [here, root / here]
    for candidate in candidates:
        with contextlib.suppress(OSError):  # a name too long, a folder without permission
            if candidate.is_file() if file else candidate.is_dir():
                return candidate
    tried = " or ".join(str(candidate.absolute()) for candidate in candidates)
    fix = "put it there, or give another path"
    if not here.is_absolute() and root is None:
        fix = "EDGEIR_DATA, under which it is looked for too, is not set: set it, or give another path"
    raise DataError(f"no such {'file' if file else 'folder'}; looked for {tried}", where=path, fix=fix)


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise DataError(
            "there is no such user, or no home folder", where=path, fix="give the whole path"
        ) from error


def find_root(name: str, roots: Iterable[str], inside: str, *, file: bool = False) -> Path:
    """The first of `roots` under ``$EDGEIR_DATA`` that has the folder, or the file, `inside`; ``.`` is that folder.

    Raises:
        DataError: none has it, with what is there.
    """
    tried = list(roots)
    candidates = [(PurePosixPath(folder) / inside).as_posix() for folder in tried]
    expected = " or ".join(candidates)
    root = required_root(name, expected)
    for folder, candidate in zip(tried, candidates, strict=True):
        if (root / candidate).is_file() if file else (root / candidate).is_dir():
            return root / folder
    raise DataError(
        f"the data set {name} was not found; {nearest_contents(root, candidates)}",
        where=root,
        fix=f"put it into {expected}",
    )


def nearest_contents(root: Path, tried: Iterable[str]) -> str:
    """The contents of the existing folder under `root` that is nearest to one of the folders `tried`, for an error."""
    nearest = root
    for candidate in tried:
        folder = root / candidate
        while folder != root and not folder.is_dir():
            folder = folder.parent
        if len(folder.parts) > len(nearest.parts):
            nearest = folder
    where = "it" if nearest == root else nearest.relative_to(root).as_posix()
    return f"in {where} there is {folder_contents(nearest)}"


def folder_contents(folder: Path) -> str:
    """The first few names in a folder, or "nothing"; hidden ones are left out."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    more = ["…"] if len(names) > SHOWN else []
    return ", ".join([*names[:SHOWN], *more]) or "nothing"


_WARNINGS: ContextVar[list[str] | None] = ContextVar("count warnings", default=None)


@contextlib.contextmanager
def collect_count_warnings() -> Iterator[list[str]]:
    """Collect the warnings of `check_count` inside, for a result, instead of logging them."""
    collected: list[str] = []
    token = _WARNINGS.set(collected)
    try:
        yield collected
    finally:
        _WARNINGS.reset(token)


def check_count(name: str, actual: int, published: int, where: Path, what: str = "images") -> None:
    """Log a warning if a set has fewer or more images than were published: its figures are then not comparable."""
    if actual == published:
        return
    warning = f"{name} has {actual} {what} here instead of the {published} published: not comparable"
    if (collected := _WARNINGS.get()) is not None:
        collected.append(warning)
    else:
        LOG.warning("%s: %s", where, warning)
