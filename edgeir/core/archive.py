"""Zip files: written with the same bytes each time, and unpacked without trusting a word of what they say.

Members are stored, not deflated: the bytes of deflate depend on the zlib that a Python was built with, and weights
hardly get smaller.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from edgeir.core.errors import ArtifactError, OutputError

__all__ = ["MOST_BYTES", "MOST_FILES", "check_sizes", "holds", "unpack_zip", "write_zip"]

MOST_FILES = 10_000
MOST_BYTES = 2 << 30
"""Of all files of an archive together; more would need the zip64 form, which some unpackers of apps do not know."""
MOST_RATIO = 200
"""By which a large member may have been deflated; bombs reach 1,000, and what edgeir writes is not deflated."""
SMALL = 1 << 20
"""A member of fewer bytes may have any ratio: an array of one colour."""
LONGEST_NAME = 240
LARGEST_DIRECTORY = 8 << 20
"""Bytes of the list of members, which is read into memory."""
DATE = (1980, 1, 1, 0, 0, 0)
"""The first that a zip can hold."""
_BLOCK = 1 << 20
_END, _END_BYTES, _LONGEST_COMMENT = b"PK\x05\x06", 22, 1 << 16
_END64 = b"PK\x06\x07"
_FORBIDDEN = frozenset('\\:*?"<>|')
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(10))}
)


def write_zip(folder: Path, path: Path) -> None:
    """Write all files of `folder` to the zip `path`: sorted by name, with a fixed date and mode.

    Raises:
        OutputError: there are more files or bytes than `unpack_zip` takes.
    """
    files = sorted(entry.relative_to(folder).as_posix() for entry in folder.rglob("*") if entry.is_file())
    check_sizes([(folder / name).stat().st_size for name in files], where=path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in files:
            info = zipfile.ZipInfo(name, DATE)
            info.create_system = 3  # Unix, whatever system this is
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            info.file_size = (folder / name).stat().st_size
            with (folder / name).open("rb") as source, archive.open(info, "w") as member:
                shutil.copyfileobj(source, member, _BLOCK)


def check_sizes(sizes: Sequence[int], *, where: Path) -> None:
    """Raise `OutputError` for more files or bytes than an archive may have."""
    if len(sizes) > MOST_FILES or sum(sizes) > MOST_BYTES:
        raise OutputError(
            f"{len(sizes):,} files of {sum(sizes):,} bytes are more than a bundle may have "
            f"({MOST_FILES:,} files, {MOST_BYTES:,} bytes)",
            where=where,
            fix="export fewer or smaller sizes",
        )


def holds(path: Path, name: str) -> bool:
    """Whether `path` is a zip with a member `name`; nothing is unpacked."""
    try:
        with _opened(path) as archive:
            return any(info.filename == name for info in archive.infolist())
    except ArtifactError:
        return False


def unpack_zip(path: Path, into: Path) -> None:
    """Unpack a zip into the empty folder `into`.

    What is written is counted while it is written. Only plain files are made, and only below `into`.

    Raises:
        ArtifactError: no zip, truncated or damaged, an unsafe or double name, a link, or too much in it.
    """
    left = MOST_BYTES
    with _opened(path) as archive:
        members = _members(archive.infolist(), path)
        for info in members:
            target = into / info.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            left -= _copy(archive, info, target, left, path)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip, its faults made `ArtifactError` of."""
    try:
        end = _end_of(path)
    except OSError as error:
        raise ArtifactError(f"the zip cannot be read: {error.strerror}", where=path) from error
    try:
        _check_end(end, path)
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ArtifactError(f"the zip is damaged: {reason}", where=path, fix="get it again") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # what is unpacked cannot be written
            raise
        raise ArtifactError(
            "the zip is damaged: it points outside itself", where=path, fix="get it again"
        ) from error
    except (ValueError, OverflowError, RuntimeError) as error:  # names and offsets that no zip has
        raise ArtifactError("the zip is damaged", where=path, fix="get it again") from error


def _end_of(path: Path) -> bytes:
    """The bytes in which the record lies that says where the list of members is."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _END_BYTES - _LONGEST_COMMENT - 20))
        return stream.read()


def _check_end(tail: bytes, path: Path) -> None:
    """Refuse a list of members that would fill the memory: `zipfile` reads all of it first."""
    start = tail.rfind(_END)
    if start < 0 or len(tail) - start < _END_BYTES:
        raise zipfile.BadZipFile("it is no zip, or its end is missing")
    (directory,) = struct.unpack_from("<L", tail, start + 12)
    if directory > LARGEST_DIRECTORY or tail[max(0, start - 20) : start].startswith(_END64):
        raise ArtifactError("the zip is larger than any bundle", where=path)


def _members(entries: Sequence[zipfile.ZipInfo], path: Path) -> list[zipfile.ZipInfo]:
    """The files among the entries, all of them checked."""
    if len(entries) > MOST_FILES:
        raise ArtifactError(
            f"the zip has {len(entries):,} entries, at most {MOST_FILES:,} are read", where=path
        )
    if (total := sum(info.file_size for info in entries)) > MOST_BYTES:
        raise ArtifactError(
            f"the zip unpacks to {total:,} bytes, at most {MOST_BYTES:,} are read", where=path
        )
    seen: dict[str, str] = {}
    for info in entries:
        if (problem := _problem(info)) is not None:
            raise ArtifactError(f"the zip holds `{info.filename[:80]!a}`, {problem}", where=path)
        key = info.filename.rstrip("/").lower()
        if key in seen:  # some systems do not tell upper from lower case
            raise ArtifactError(f"the zip holds `{seen[key]}` twice", where=path)
        seen[key] = info.filename
    files = [info for info in entries if not info.is_dir()]
    names = {info.filename.lower() for info in files}
    for key, name in seen.items():
        if any(parent.as_posix() in names for parent in PurePosixPath(key).parents):
            raise ArtifactError(f"the zip holds `{name}` below a file", where=path)
    return files


def _problem(info: zipfile.ZipInfo) -> str | None:
    """Why an entry is not unpacked; None for a good one."""
    name = info.filename
    parts = name.removesuffix("/").split("/")
    if name.startswith("/") or ".." in parts or set(name) & _FORBIDDEN:
        return "a path that leads elsewhere"
    if not (name.isascii() and name.isprintable()) or len(name) > LONGEST_NAME:
        return "a name that no bundle has"
    if any(
        part in ("", ".") or part[-1] in ". " or part.partition(".")[0].lower() in _DEVICES for part in parts
    ):
        return "a name that not every system can have"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR) > info.is_dir():
        return "a link or device, not a file"
    if info.flag_bits & 1:
        return "which is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "compressed by a method that is not read"
    if info.file_size > max(SMALL, MOST_RATIO * info.compress_size):
        return f"which unpacks to {info.file_size:,} bytes from {info.compress_size:,}"
    return None


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, most: int, path: Path) -> int:
    """Unpack one member and return its size; never more than `most` bytes are written, whatever its header says."""
    count = 0
    with archive.open(info) as source, target.open("xb") as stream:
        while block := source.read(_BLOCK):
            count += len(block)
            if count > min(most, info.file_size):
                raise ArtifactError(f"the zip's `{info.filename}` is larger than it says", where=path)
            stream.write(block)
    if count != info.file_size:
        raise ArtifactError(f"the zip's `{info.filename}` is truncated", where=path, fix="get it again")
    return count
