"""One writer for one output at a time.

The lock lies in the system's folder for temporary files, under a name made of the output's path, so that nothing is
left beside the output. The system releases a killed holder's lock.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from edgeir.core.errors import OutputError

__all__ = ["sole_writer"]


@contextlib.contextmanager
def sole_writer(path: Path) -> Iterator[None]:
    """Refuse to work on `path` beside another process that does.

    Raises:
        OutputError: another process is writing it.
    """
    lock = FileLock(_lock_file(path), mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OutputError(
            "another process is writing it", where=path, fix="wait for it or choose another output"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _lock_file(path: Path) -> Path:
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a number without a name, as containers have
        user = "unknown"
    folder = Path(tempfile.gettempdir()) / f"edgeir-locks-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:24]}.lock"
