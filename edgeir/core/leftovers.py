"""Temporary names that say which process made them, so that what a killed process left is recognised and removed.

A tag is ``<machine>-<pid>-<token>``. What carries one is removed only when its owner is dead: a process of this machine
that no longer runs, or this very process when it knows nothing of the token (the number of a dead process was given
out again). Of other machines, and of other containers on this one, nothing is known; their remains go when they have
not changed for a week.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["TAG", "abandoned", "remove", "shortened", "sweep", "tagged", "temporary_name"]

TAG = r"(?P<machine>[0-9a-f]{8})-(?P<pid>\d+)-(?P<token>[0-9a-f]{8})"
"""Regular expression of a tag."""

TAG_ROOM = len("..edgeir-01234567-1234567890-01234567.tmp.old")
"""Bytes of a temporary name beside the name and suffix of what it becomes."""

FOREIGN_S = 7 * 24 * 3600
"""Age after which what another machine left counts as abandoned, in seconds."""

_own: set[str] = set()
"""Tokens that this process is using."""


@contextlib.contextmanager
def tagged() -> Iterator[str]:
    """A new tag, which belongs to this process while the block runs."""
    token = secrets.token_hex(4)
    _own.add(token)
    try:
        yield f"{_machine()}-{os.getpid()}-{token}"
    finally:
        _own.discard(token)


def temporary_name(path: Path, name: str, tag: str, end: str) -> str:
    """The hidden name beside `path` for what becomes `path`: ``.<name>.edgeir-<tag><end>``, not too long for a name."""
    return f".{shortened(path, name)}.edgeir-{tag}{end}"


def shortened(path: Path, name: str) -> str:
    """As much of `name`, that of `path` or its stem, as `temporary_name` has room for."""
    longest = 255
    with contextlib.suppress(OSError, AttributeError, ValueError):
        longest = os.pathconf(path.parent, "PC_NAME_MAX")
    room = longest - TAG_ROOM - len(os.fsencode(path.suffix))
    encoded = os.fsencode(name)
    if len(encoded) <= room:
        return name
    start = encoded[: max(room - 9, 0)].decode(sys.getfilesystemencoding(), errors="ignore")
    return f"{start}~{hashlib.sha256(encoded).hexdigest()[:8]}"


def abandoned(path: Path, match: re.Match[str]) -> bool:
    """Whether the owner of `path`, whose name matched a pattern with `TAG` in it, is dead."""
    if match["machine"] != _machine():
        with contextlib.suppress(OSError):
            return time.time() - path.lstat().st_mtime > FOREIGN_S
        return False
    pid = int(match["pid"])
    return match["token"] not in _own if pid == os.getpid() else not _runs(pid)


def sweep(
    folder: Path, pattern: re.Pattern[str], *, keep: Callable[[re.Match[str]], bool] | None = None
) -> None:
    """Remove what lies abandoned in `folder` under a name that `pattern` (with `TAG` in it) matches in full.

    Args:
        keep: what is left alone all the same.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = pattern.fullmatch(entry.name)
            if match and not (keep and keep(match)) and abandoned(Path(entry.path), match):
                remove(Path(entry.path))


def remove(path: Path) -> None:
    """Delete a file, a link or a whole folder, as far as possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


@functools.cache
def _machine() -> str:
    """Stands for what shares one table of processes: the host, and on Linux the container."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


if sys.platform == "win32":

    def _runs(pid: int) -> bool:
        # os.kill would end the process here.
        import ctypes

        synchronize, timeout = 0x00100000, 0x102
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(synchronize, False, pid)
        if not handle:
            return bool(kernel.GetLastError() == 5)  # access denied: it exists
        try:
            return bool(kernel.WaitForSingleObject(handle, 0) == timeout)
        finally:
            kernel.CloseHandle(handle)

else:

    def _runs(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except (PermissionError, OverflowError):
            return True  # of another user; or no number that a process can have
        return True
