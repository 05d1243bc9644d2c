"""One process at a time works in a run folder.

The lock is the file ``.lock`` in it, held by the system for a living process: a killed one leaves nothing to clean up.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from edgeir.core.errors import OutputError
from edgeir.core.files import output_errors

__all__ = ["LOCK_NAME", "sole_user"]

LOCK_NAME = ".lock"


@contextlib.contextmanager
def sole_user(run: Path) -> Iterator[None]:
    """Hold the lock of a run folder, which is made where it is missing; taken back if nothing else is put into it.

    Raises:
        OutputError: another process holds it, or the folder cannot be written.
    """
    missing = [folder for folder in (run, *run.parents) if not folder.exists()]
    lock = FileLock(run / LOCK_NAME)
    with output_errors(run):
        run.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise OutputError(
                "another process is training in this folder",
                where=run,
                fix="wait for it or choose another --out",
            ) from None
    try:
        yield
    finally:
        if not (run / "recipe.yaml").is_file():  # nothing came of it, or this is no run at all
            with contextlib.suppress(OSError):
                (run / LOCK_NAME).unlink()
        lock.release()
        with contextlib.suppress(OSError):  # the first that is not empty ends it
            for folder in missing:
                folder.rmdir()
