"""Where edgeir keeps what it can make again: image stores, and which model files have run once on this machine."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_root"]


def cache_root() -> Path:
    """``$EDGEIR_CACHE``, or ``~/.cache/edgeir``."""
    value = os.environ.get("EDGEIR_CACHE")
    return Path(value).expanduser() if value else Path.home() / ".cache" / "edgeir"
