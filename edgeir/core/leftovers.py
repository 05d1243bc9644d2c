"""Temporary names that say which process made them, so that leftovers of killed processes can be removed safely.

A tag is ``<machine>-<pid>-<token>``. A file or folder with a tag is removed only when its owner is dead: a process of
this machine that no longer runs, or this process itself where the token is unknown to it (its pid was reused).
Processes of other machines and containers cannot be checked; their leftovers are removed after a week without change.
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
"""Bytes that a temporary name adds to the final name and suffix."""

FOREIGN_S = 7 * 24 * 3600
"""Age in seconds after which the leftovers of another machine count as abandoned."""

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
    """The hidden temporary name beside `path`: ``.<name>.edgeir-<tag><end>``, shortened to fit a file name."""
    return f".{shortened(path, name)}.edgeir-{tag}{end}"


def shortened(path: Path, name: str) -> str:
    """`name` (that of `path`, or its stem) cut to the length that `temporary_name` has room for."""
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
    """Remove abandoned entries of `folder` whose whole names `pattern` (with `TAG` in it) matches.

    Args:
        keep: an entry that is not removed.
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
    """Identifies the process table: the host, and on Linux the container."""
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
