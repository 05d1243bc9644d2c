"""What a process that opens a store leaves beside it: a lock that says that it is in use, and what it was made from.

The lock is shared: any number of processes use a store, and `edgeir cache clear` leaves it alone meanwhile. The system
releases it when the process ends, however that happens. Its file, ``.<name>.use`` beside the store, stays; the time of
its last change is the time of the last use. Windows has no such lock, and needs none: mapped files cannot be removed.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgeir.core.errors import OutputError
from edgeir.core.files import write_json
from edgeir.data.degrade import AnyDegradation
from edgeir.data.union import AnySource

__all__ = ["MADE_FROM", "StoreUse", "unused", "use_file", "write_made_from"]

MADE_FROM = "made-from.json"


def use_file(folder: Path) -> Path:
    """The lock's file of a store."""
    return folder.with_name(f".{folder.name}.use")


class StoreUse:
    """Says that a store is in use, as long as this object lives; in another process a copy says it too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stream: Any = None
        fcntl = _fcntl()
        with contextlib.suppress(OSError):  # a cache that can only be read is used all the same
            path = use_file(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("a")
            if fcntl is not None:
                fcntl.flock(self._stream, fcntl.LOCK_SH)
            os.utime(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return StoreUse, (self.folder,)

    def __del__(self) -> None:
        if self._stream is not None:
            self._stream.close()


@contextlib.contextmanager
def unused(folder: Path) -> Iterator[bool]:
    """Whether no process uses a store; while the block runs none starts to."""
    fcntl = _fcntl()
    if fcntl is None:
        yield True
        return
    with use_file(folder).open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


def _fcntl() -> Any:
    try:
        return importlib.import_module("fcntl")
    except ImportError:
        return None


def write_made_from(
    folder: Path,
    sources: Sequence[AnySource],
    degradation: AnyDegradation | None,
    rescale: Sequence[float],
) -> None:
    """Leave a note in a store of what its images are, for people; nothing is read from it but by `edgeir cache`."""
    path = folder / MADE_FROM
    if path.is_file():
        return
    value = {
        "sources": [
            source.model_dump(mode="json", exclude_defaults=True) | {"kind": source.kind}
            for source in sources
        ],
        "degradation": None if degradation is None else degradation.model_dump(mode="json"),
        "rescale": list(rescale),
    }
    with contextlib.suppress(OutputError, OSError):
        write_json(path, value)
