"""Names of the classes that a ``classes.dex`` defines (Android's "Dalvik Executable format")."""

from __future__ import annotations

import struct

__all__ = ["defined_classes"]

STRINGS, TYPES, CLASSES = 0x38, 0x40, 0x60
"""Where the header has count and offset of a table."""
CLASS_BYTES = 32


def defined_classes(content: bytes) -> frozenset[str]:
    """Names with points, of an inner class with ``$``.

    Raises:
        ValueError: it is no such file, or is cut off.
    """
    if content[:4] != b"dex\n":
        raise ValueError("no dex file")
    try:
        (_, strings), (_, types), (count, classes) = (
            struct.unpack_from("<II", content, place) for place in (STRINGS, TYPES, CLASSES)
        )
        found = []
        for index in range(count):
            (type_,) = struct.unpack_from("<I", content, classes + CLASS_BYTES * index)
            (string,) = struct.unpack_from("<I", content, types + 4 * type_)
            (place,) = struct.unpack_from("<I", content, strings + 4 * string)
            found.append(_text(content, place))
    except (struct.error, IndexError, ValueError) as error:
        raise ValueError("a dex file that is cut off") from error
    return frozenset(name.removeprefix("L").removesuffix(";").replace("/", ".") for name in found)


def _text(content: bytes, place: int) -> str:
    """A string: its length as a LEB128 number, and bytes up to a zero."""
    while content[place] & 0x80:
        place += 1
    start = place + 1
    return content[start : content.index(b"\0", start)].decode("utf-8", errors="replace")
