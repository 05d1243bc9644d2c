"""The cache of decoded images: which stores there are, how large, made from what; and removing them.

A store, with the teachers' images that were computed for it, is made anew when a training needs it.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from edgeir.core.errors import ConfigError
from edgeir.core.files import output_errors
from edgeir.data.store.pair_store import cache_root
from edgeir.data.store.use import MADE_FROM, unused, use_file

__all__ = ["CachedStore", "Cleared", "cached_stores", "clear_stores"]

DAY_S = 86400.0
REMOVED = ".removed"


@dataclass(frozen=True)
class CachedStore:
    """One store on disk."""

    folder: Path
    bytes: int
    last_used: str
    """UTC, ISO 8601."""
    age_days: float
    """Days since the last use."""
    images: int | None
    """None while it is being built, or where its index is damaged."""
    teachers: int
    """Networks whose images of the same photographs are kept beside them."""
    sources: str
    """What the images are, as far as known."""
    degradation: str
    """What their inputs were made by, as far as known."""


@dataclass(frozen=True)
class Cleared:
    """What `clear_stores` did."""

    removed: list[CachedStore]
    in_use: list[CachedStore]
    """Left alone, because a process works with them."""

    @property
    def bytes(self) -> int:
        """Freed."""
        return sum(store.bytes for store in self.removed)


def cached_stores(root: Path | None = None) -> list[CachedStore]:
    """The stores under `root` (`cache_root()` by default), the largest first."""
    found = [_describe(folder) for folder in _folders(root)]
    return sorted(found, key=lambda store: (-store.bytes, store.folder.name))


def clear_stores(*, older_than_days: float | None = None, root: Path | None = None) -> Cleared:
    """Remove stores that no process uses.

    Args:
        older_than_days: only those last used longer ago; None removes all.
        root: parent folder of ``stores``, default `cache_root()`.

    Raises:
        ConfigError: `older_than_days` is negative.
        OutputError: a store cannot be removed.
    """
    if older_than_days is not None and not older_than_days >= 0:
        raise ConfigError([f"the age must be 0 days or more, not {older_than_days:g}"], where="cache")
    removed: list[CachedStore] = []
    in_use: list[CachedStore] = []
    for store in cached_stores(root):
        if older_than_days is None or store.age_days > older_than_days:
            (removed if _remove(store.folder) else in_use).append(store)
    parent = (root or cache_root()) / "stores"
    for leftover in parent.glob(f".*{REMOVED}"):  # of a call that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    return Cleared(removed, in_use)


def _folders(root: Path | None) -> list[Path]:
    """Only what looks like a store: the folder may be shared with other programs."""
    parent = (root or cache_root()) / "stores"
    if not parent.is_dir():
        return []
    return [
        path
        for path in sorted(parent.iterdir())
        if re.fullmatch(r"[0-9a-f]{16}", path.name) and path.is_dir() and not path.is_symlink()
    ]


def _remove(folder: Path) -> bool:
    """Whether it was removed; it is renamed first, so that no process finds half of it."""
    lock = FileLock(
        folder.with_name(f".{folder.name}.lock")
    )  # a builder's, see `edgeir.core.files.exclusive`
    aside = folder.with_name(f".{folder.name}{REMOVED}")
    with output_errors(folder), unused(folder) as free:
        if not free:
            return False
        try:
            with lock.acquire(timeout=0):
                shutil.rmtree(aside, ignore_errors=True)
                os.replace(folder, aside)
        except Timeout:
            return False
        except PermissionError:
            if os.name == "nt":  # a file in it is mapped
                return False
            raise
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _describe(folder: Path) -> CachedStore:
    files = [path for path in folder.rglob("*") if path.is_file()]
    stamp = use_file(folder)
    times = [path.stat().st_mtime for path in ([stamp] if stamp.is_file() else files)]
    used = max(times, default=folder.stat().st_mtime)
    made_from = _read(folder / MADE_FROM)
    pairs = _read(folder / "index.json").get("pairs")
    degradation = made_from.get("degradation")
    return CachedStore(
        folder=folder,
        bytes=sum(path.stat().st_size for path in files),
        last_used=datetime.datetime.fromtimestamp(used, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        age_days=max(0.0, (time.time() - used) / DAY_S),
        images=len(pairs) if isinstance(pairs, list) else None,
        teachers=len(list(folder.glob("teacher-*.bin"))),
        sources=_sources(made_from.get("sources"), pairs),
        degradation=_words(degradation) if isinstance(degradation, dict) else "-",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _sources(sources: Any, pairs: Any) -> str:
    """``standard BSDS500, standard T91``; of a store of before that was noted, the first images' names."""
    if isinstance(sources, list) and all(isinstance(source, dict) for source in sources):
        return ", ".join(_words(source) for source in sources)
    if isinstance(pairs, list):
        names = [str(pair.get("name")) for pair in pairs[:2] if isinstance(pair, dict)]
        return ", ".join(names) + (", …" if len(pairs) > len(names) else "")
    return "unknown"


def _words(config: dict[str, Any]) -> str:
    """A source or degradation in short: its kind, then its name, path or main numbers."""
    keys = ("kind", "name", "path", "part", "scale", "sigma", "quality")
    return " ".join(
        f"x{config[key]}" if key == "scale" else str(config[key]) for key in keys if config.get(key)
    )
