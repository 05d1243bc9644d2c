"""Files that are either whole or absent: atomic writes, hashes, and errors a user can act on."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from edgeir.core.errors import OutputError
from edgeir.core.leftovers import TAG, abandoned, remove, shortened, sweep, tagged, temporary_name
from edgeir.core.progress import Progress, no_progress

__all__ = [
    "atomic_dir",
    "atomic_file",
    "exclusive",
    "file_stamp",
    "give_default_mode",
    "output_errors",
    "refuse_existing",
    "scratch_dir",
    "settle_dir",
    "sha256_file",
    "sha256_tree",
    "tree_bytes",
    "write_json",
]

_TEMPORARY = re.compile(rf"\..*\.edgeir-{TAG}\.tmp(?P<end>\.[^.]*)?", re.DOTALL)
_SCRATCH = re.compile(rf"edgeir-\w+-{TAG}")
_RENAME_TRIES, _RENAME_WAIT_S = 100, 0.02


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
    path: Path,
    *,
    overwrite: bool,
    fix: str = "choose another name or pass --overwrite",
    marker: str | None = None,
    owned: Sequence[str] = (),
) -> None:
    """Raise `OutputError` when `path` exists (a folder counts only when not empty) and may not be replaced.

    A folder is replaced only if edgeir wrote it and it holds nothing else, because other files in it would be lost.

    Args:
        fix: what the error tells the user to do.
        marker: for an output that is a folder: the file by which edgeir recognises one of its own.
        owned: patterns of the names that such a folder holds.
    """
    if not path.exists():
        return
    if not path.is_dir():
        if not overwrite:
            raise OutputError("the output exists already", where=path, fix=fix)
        return
    names = sorted(entry.name for entry in path.iterdir())
    if not names:
        return
    if not overwrite:
        raise OutputError("the output exists already", where=path, fix=fix)
    if marker is None:
        raise OutputError("it is a folder, not a file", where=path, fix="choose another output")
    if marker not in names:
        raise OutputError(
            f"the folder has no {marker}, so edgeir did not write it and does not replace it",
            where=path,
            fix="choose another output",
        )
    if strangers := [name for name in names if not any(fnmatchcase(name, mine) for mine in (marker, *owned))]:
        more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
        raise OutputError(
            f"the folder also holds `{strangers[0]}`{more}, which edgeir did not write and does not replace",
            where=path,
            fix="move that away or choose another output",
        )


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to it on success and removed on failure.

    The temporary name keeps the suffix, so that writers that look at it (Pillow) work. Temporary files that killed
    processes left in the folder are removed.
    """
    path = Path(path)
    with output_errors(path), tagged() as tag:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_long_name(path)
        _sweep_once(path.parent.resolve())
        temporary = path.parent / temporary_name(path, path.stem, tag, f".tmp{path.suffix}")
        try:
            temporary.touch(mode=0o600, exist_ok=False)
            yield temporary
            give_default_mode(temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_dir(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that replaces it, whole, on success.

    An existing `path` is moved aside first and deleted last. A kill leaves the old or the new one; if it strikes
    between the two renames, `settle_dir` puts the old one back. What killed processes left of this folder is removed.
    """
    path = Path(path)
    settle_dir(path)
    with output_errors(path), tagged() as tag:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_long_name(path)
        temporary = path.parent / temporary_name(path, path.name, tag, ".tmp")
        old = temporary.with_name(temporary.name + ".old")
        try:
            temporary.mkdir(mode=0o700)
            yield temporary
            give_default_mode(temporary)
            if path.exists():
                os.replace(path, old)
            os.replace(temporary, path)
        finally:
            if old.exists() and not path.exists():
                os.replace(old, path)
            remove(temporary)
            remove(old)


def settle_dir(path: Path) -> None:
    """Clean up after a process that was killed inside `atomic_dir`: restore the old folder, remove temporary ones.

    Call it before reading a folder that `atomic_dir` wrote. It waits for a running process that is between its two
    renames.
    """
    pattern = re.compile(rf"\.{re.escape(shortened(path, path.name))}\.edgeir-{TAG}\.tmp(?P<old>\.old)?")
    for _ in range(_RENAME_TRIES):
        busy = False
        for entry, match in _matching(path.parent, pattern):
            dead = abandoned(entry, match)
            if match["old"] and dead and not path.exists():
                _put_back(entry, path)
            elif dead:
                remove(entry)
            elif match["old"] and not path.exists():
                busy = True
        if not busy:
            return
        time.sleep(_RENAME_WAIT_S)


@contextlib.contextmanager
def scratch_dir(purpose: str, *, libraries: bool = False) -> Iterator[Path]:
    """Yield a folder in the system's temporary folder, removed at the end; those of killed processes are removed too.

    Its name contains `purpose`. With `libraries`, temporary files that libraries make by `tempfile` go into it too.
    """
    parent = Path(tempfile.gettempdir())
    sweep(parent, _SCRATCH)
    with output_errors(parent), tagged() as tag:
        folder = parent / f"edgeir-{purpose}-{tag}"
        folder.mkdir(mode=0o700)
        before = tempfile.tempdir
        try:
            if libraries:
                tempfile.tempdir = str(folder)
            yield folder
        finally:
            tempfile.tempdir = before
            remove(folder)


def _put_back(old: Path, path: Path) -> None:
    with output_errors(path):
        try:
            os.replace(old, path)
        except OSError:
            if not path.exists():  # otherwise another process was faster
                raise


def _refuse_long_name(path: Path) -> None:
    """Raise for a name that is too long at the start, not after the work when the file is renamed."""
    with contextlib.suppress(FileNotFoundError):
        path.lstat()


def _matching(folder: Path, pattern: re.Pattern[str]) -> list[tuple[Path, re.Match[str]]]:
    """Entries of `folder` whose names match, the moved-aside ones first."""
    entries = []
    with contextlib.suppress(OSError):
        entries = [
            (folder / name, match) for name in os.listdir(folder) if (match := pattern.fullmatch(name))
        ]
    return sorted(entries, key=lambda entry: (not entry[1]["old"], entry[0]))


@functools.cache
def _sweep_once(folder: Path) -> None:
    """Once per folder, for a folder may hold many files; moved-aside folders are for `settle_dir`."""
    sweep(folder, _TEMPORARY, keep=lambda match: match["end"] == ".old")


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


def file_stamp(path: Path) -> str:
    """A string that changes when the file does, without reading it: path, size, modification time."""
    status = path.stat()
    return f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"


def sha256_file(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sha256_tree(path: str | Path) -> str:
    """SHA-256 of a file, or of a folder: of its files' hashes and relative names, sorted, one line each."""
    path = Path(path)
    if path.is_file():
        return sha256_file(path)
    files = sorted(entry.relative_to(path).as_posix() for entry in path.rglob("*") if entry.is_file())
    lines = "".join(f"{sha256_file(path / name)}  {name}\n" for name in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def tree_bytes(path: str | Path) -> int:
    """Size of a file, or of all files of a folder."""
    path = Path(path)
    return sum(entry.stat().st_size for entry in (path, *path.rglob("*")) if entry.is_file())


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically, with a final newline."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
