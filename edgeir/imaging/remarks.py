"""Remarks about one image file: repairs while reading it, losses while writing it.

A remark is a logged warning, ``file: what`` on the logger of this module, so that a program shows or catches it with
the standard `logging`; `remarks` collects them instead. Every remark of one reading or writing is given once.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

__all__ = ["deferred", "remark", "remarks"]

LOG = logging.getLogger(__name__)
_COLLECTED: ContextVar[list[str] | None] = ContextVar("image_remarks", default=None)


def remark(path: Path, text: str) -> None:
    """Add `text` about the file to the innermost `remarks`, or else to the log."""
    line = f"{path}: {text}"
    collected = _COLLECTED.get()
    if collected is None:
        LOG.warning("%s", line)
    elif line not in collected:
        collected.append(line)


@contextlib.contextmanager
def remarks() -> Iterator[list[str]]:
    """Collect the remarks made inside (by this thread or task) instead of logging them."""
    collected: list[str] = []
    token = _COLLECTED.set(collected)
    try:
        yield collected
    finally:
        _COLLECTED.reset(token)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Pass on the remarks made inside at the end of the block, each once; none after an error."""
    with remarks() as collected:
        yield
    outer = _COLLECTED.get()
    for line in collected:
        if outer is None:
            LOG.warning("%s", line)
        elif line not in outer:
            outer.append(line)
