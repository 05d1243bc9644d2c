"""The checkpoints that were made of other authors' networks and are kept in the cache; and removing them."""

from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from edgeir.core.cache import cache_root
from edgeir.core.files import output_errors, tree_bytes
from edgeir.manifest.card import CARD_NAME

__all__ = ["NETWORKS", "CachedNetwork", "cached_networks", "clear_networks"]

NETWORKS = "networks"
"""Folder in the cache."""
DAY_S = 86400.0


@dataclass(frozen=True)
class CachedNetwork:
    """One checkpoint in the cache.

    Attributes:
        name: of the file or function that it was made of.
        age_days: days since the last use.
    """

    folder: Path
    name: str
    bytes: int
    age_days: float


def cached_networks(root: Path | None = None) -> list[CachedNetwork]:
    """The checkpoints under `root` (`cache_root()` by default), the largest first."""
    parent = (root or cache_root()) / NETWORKS
    folders = [path for path in parent.iterdir() if _is_one(path)] if parent.is_dir() else []
    return sorted(
        (_described(folder) for folder in folders), key=lambda each: (-each.bytes, each.folder.name)
    )


def clear_networks(*, older_than_days: float | None = None, root: Path | None = None) -> list[CachedNetwork]:
    """Remove them; they are made anew when a command names their file. Returns what was removed.

    Args:
        older_than_days: only those last used longer ago; None removes all.

    Raises:
        OutputError: one cannot be removed.
    """
    removed = []
    for network in cached_networks(root):
        if older_than_days is None or network.age_days > older_than_days:
            with output_errors(network.folder):
                shutil.rmtree(network.folder)
            removed.append(network)
    return removed


def _is_one(path: Path) -> bool:
    """Only what looks like one: the cache may be shared with other programs."""
    return (
        bool(re.fullmatch(r"[0-9a-f]{8,64}", path.name))
        and (path / CARD_NAME).is_file()
        and not path.is_symlink()
    )


def _described(folder: Path) -> CachedNetwork:
    try:
        name = str(json.loads((folder / CARD_NAME).read_text(encoding="utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        name = "damaged"
    age = max(0.0, (time.time() - folder.stat().st_mtime) / DAY_S)
    return CachedNetwork(folder, name, tree_bytes(folder), age)
