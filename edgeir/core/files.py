"""Files that are either whole or absent: atomic writes, hashes, and errors a user can act on."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from edgeir.core.errors import OutputError
from edgeir.core.progress import Progress, no_progress

__all__ = [
    "atomic_dir",
    "atomic_file",
    "exclusive",
    "file_stamp",
    "give_default_mode",
    "output_errors",
    "refuse_existing",
    "settle_dir",
    "sha256_file",
    "write_json",
]


def give_default_mode(path: Path) -> None:
    """Give a file or folder the permissions that a plain ``open`` or ``mkdir`` would have given it.

    Temporary files, and those that safetensors writes, are readable by their owner only.
    """
    mask = os.umask(0)
    os.umask(mask)
    path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)


@contextlib.contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn operating-system errors while writing `path` into an `OutputError` that says what to do."""
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: ("the disk is full", "free some space or write to another disk"),
            errno.EFBIG: (
                "the file is larger than this disk or your limits allow",
                "see `ulimit -f`, or write elsewhere",
            ),
            errno.EDQUOT: ("the disk quota is used up", "free some space or write to another disk"),
            errno.EACCES: ("no permission to write", "choose another output or change its permissions"),
            errno.EPERM: ("no permission to write", "choose another output or change its permissions"),
            errno.EROFS: ("the file system is read-only", "choose another output"),
            errno.ENOTDIR: ("a part of the path is a file, not a folder", "choose another output"),
            errno.EEXIST: ("a part of the path is a file, not a folder", "choose another output"),
            errno.EISDIR: ("it is a folder, not a file", "choose another output"),
            errno.ENAMETOOLONG: ("the name is too long", "choose a shorter output name"),
        }
        if error.errno not in reasons:
            raise
        what, fix = reasons[error.errno]
        raise OutputError(what, where=path, fix=fix) from error


def refuse_existing(
    path: Path, *, overwrite: bool, fix: str = "choose another name or pass --overwrite"
) -> None:
    """Raise `OutputError` when `path` exists (a folder counts only when not empty) and may not be replaced.

    `fix` is what the error tells the user to do.
    """
    if overwrite or not path.exists():
        return
    if path.is_dir() and not any(path.iterdir()):
        return
    raise OutputError("the output exists already", where=path, fix=fix)


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to it on success and removed on failure.

    The temporary name keeps the suffix, so that writers that look at it (Pillow) work.
    """
    path = Path(path)
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=f".tmp{path.suffix}", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            give_default_mode(temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_dir(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that replaces it, whole, on success.

    An existing `path` is moved aside first and deleted last. A kill leaves the old or the new one; if it strikes
    between the two renames, `settle_dir` puts the old one back.
    """
    path = Path(path)
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
        old = temporary.with_name(temporary.name + ".old")
        try:
            yield temporary
            give_default_mode(temporary)
            if path.exists():
                os.replace(path, old)
            os.replace(temporary, path)
        finally:
            if old.exists() and not path.exists():
                os.replace(old, path)
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def exclusive(path: Path, progress: Progress = no_progress) -> Iterator[None]:
    """Let one process at a time work on `path`; the others wait. A killed holder's lock is released by the system.

    The lock is the file ``.<name>.lock`` beside `path`, which stays.
    """
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        while True:
            try:
                lock.acquire(timeout=1)
                break
            except Timeout:
                progress(0, 1, f"waiting for the process that prepares {path.name}")
    try:
        yield
    finally:
        lock.release()


def settle_dir(path: Path) -> None:
    """Undo what a kill in the middle of `atomic_dir` may have left: put the old folder back, remove temporary ones."""
    with output_errors(path):
        for old in sorted(path.parent.glob(f".{path.name}.*.tmp.old")):
            if not path.exists():
                os.replace(old, path)
        for leftover in path.parent.glob(f".{path.name}.*.tmp*"):
            shutil.rmtree(leftover, ignore_errors=True)


def file_stamp(path: Path) -> str:
    """What tells whether a file is still the same, without reading it: path, size, time of change."""
    status = path.stat()
    return f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"


def sha256_file(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically, with a final newline."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
