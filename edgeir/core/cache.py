"""The cache folder: image stores, and which model files have already run on this machine. All of it can be rebuilt."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_root"]


def cache_root() -> Path:
    """``$EDGEIR_CACHE``, or ``~/.cache/edgeir``."""
    value = os.environ.get("EDGEIR_CACHE")
    return Path(value).expanduser() if value else Path.home() / ".cache" / "edgeir"
