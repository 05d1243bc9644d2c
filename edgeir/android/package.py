"""Write the zip that an APK is: members that a phone can map into memory are stored and aligned.

The padding stands in an extra field of the member's header (id 0xd935: the alignment, two bytes, and zeros), by which
``apksigner`` knows the alignment and keeps it. Times are constant: the same members give the same bytes.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "LIBRARY_ALIGNMENT",
    "STORED_ALIGNMENT",
    "Member",
    "alignment_of",
    "placed_members",
    "write_package",
]

LIBRARY_ALIGNMENT, STORED_ALIGNMENT = 16384, 4
"""Of libraries: the largest page that phones have; of other stored members, as `zipalign` has it."""
STORED_SUFFIXES = (".tflite", ".so", ".arsc", ".png", ".jpg", ".zip")
"""Mapped into memory (Android asks it of ``resources.arsc`` from Android 11 on), or compressed already."""
FIELD = 0xD935
HEADER = 30
"""Bytes of a member's local header before its name."""
TIME = (1981, 1, 1, 1, 1, 2)
"""The time that Android's own tools write: zip's first year breaks some of its readers."""


@dataclass(frozen=True)
class Member:
    """A file of the package, by its path in it."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Placed:
    """Where a member of a package lies.

    Attributes:
        stored: not compressed.
        offset: of its first byte of content in the file.
        size: of its content.
    """

    name: str
    stored: bool
    offset: int
    size: int


def alignment_of(name: str) -> int | None:
    """Of a member that must be stored; None for one that is compressed."""
    if name.endswith(".so"):
        return LIBRARY_ALIGNMENT
    return STORED_ALIGNMENT if name.endswith(STORED_SUFFIXES) else None


def write_package(path: Path, members: Iterable[Member]) -> None:
    """Write the members in this order.

    Raises:
        ValueError: two have one name.
    """
    seen: set[str] = set()
    with path.open("wb") as stream, zipfile.ZipFile(stream, "w") as archive:
        for member in members:
            if member.name in seen:
                raise ValueError(f"`{member.name}` twice in a package")
            seen.add(member.name)
            info = zipfile.ZipInfo(member.name, TIME)
            info.create_system, info.external_attr = 0, 0
            alignment = alignment_of(member.name)
            info.compress_type = zipfile.ZIP_DEFLATED if alignment is None else zipfile.ZIP_STORED
            if alignment is not None:
                info.extra = _padding(stream.tell() + HEADER + len(member.name.encode()), alignment)
            archive.writestr(info, member.content, compresslevel=9)
            info.extra = b""  # only the header beside the content needs it


def placed_members(path: Path) -> list[Placed]:
    """Where the members of a zip lie, by their own headers.

    Raises:
        zipfile.BadZipFile, OSError: it is no zip or cannot be read.
    """
    found = []
    with zipfile.ZipFile(path) as archive, path.open("rb") as stream:
        for info in archive.infolist():
            stream.seek(info.header_offset)
            header = stream.read(HEADER)
            if len(header) < HEADER or header[:4] != b"PK\x03\x04":
                raise zipfile.BadZipFile(f"`{info.filename}` has no header")
            name, extra = struct.unpack_from("<HH", header, 26)
            offset = info.header_offset + HEADER + name + extra
            found.append(
                Placed(info.filename, info.compress_type == zipfile.ZIP_STORED, offset, info.file_size)
            )
    return found


def _padding(start: int, alignment: int) -> bytes:
    """The extra field for a member whose content would begin at `start` without one."""
    fixed = struct.calcsize("<HHH")
    zeros = -(start + fixed) % alignment
    return struct.pack("<HHH", FIELD, 2 + zeros, alignment) + bytes(zeros)
