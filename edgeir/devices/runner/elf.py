"""Take out of a shared library what it says it depends on, so that another C library's dynamic linker accepts it.

A library that was built for Android names Android's libraries (``libc.so``) and the versions of their symbols
(``LIBC``). Both are entries of its dynamic section (System V ABI, chapter 5; symbol versions as in the LSB). They are
given a tag that no linker knows, in place: no byte moves. Symbols are then looked up in what is loaded already.
"""

from __future__ import annotations

import struct

from edgeir.core.errors import DeviceError

__all__ = ["without_dependencies"]

MACHINES = {"arm64-v8a": 183, "armeabi-v7a": 40, "x86_64": 62}
"""`e_machine` of each of Android's ABIs."""
PT_DYNAMIC, DT_NULL, DT_NEEDED = 2, 0, 1
DT_VERSYM, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = (
    0x6FFFFFF0,
    0x6FFFFFFC,
    0x6FFFFFFD,
    0x6FFFFFFE,
    0x6FFFFFFF,
)
NEUTRAL = 0x6FFFFEF4
"""In the range of the address tags of GNU, and unused."""
DEPENDENCIES = {DT_NEEDED, DT_VERSYM, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM}


def without_dependencies(content: bytes, abi: str) -> bytes:
    """The same library with its NEEDED and symbol version entries made neutral.

    Args:
        content: the file.
        abi: Android's name of the processor that it must be for.

    Raises:
        DeviceError: it is no ELF library for this processor, or is damaged.
    """
    try:
        return _patched(content, abi)
    except struct.error as error:
        raise DeviceError("the library is damaged: it ends too early") from error


def _patched(content: bytes, abi: str) -> bytes:
    if content[:4] != b"\x7fELF" or content[4:5] not in (b"\x01", b"\x02") or content[5:6] != b"\x01":
        raise DeviceError("it is no ELF library")
    wide = content[4] == 2
    (machine,) = struct.unpack_from("<H", content, 18)
    if machine != MACHINES[abi]:
        raise DeviceError(f"it is no library for {abi}: its machine is {machine}, not {MACHINES[abi]}")
    word = "<Q" if wide else "<I"
    (table,) = struct.unpack_from(word, content, 32 if wide else 28)
    size, count = struct.unpack_from("<HH", content, 54 if wide else 42)
    changed = bytearray(content)
    for header in range(table, table + size * count, max(size, 1)):
        (kind,) = struct.unpack_from("<I", content, header)
        if kind == PT_DYNAMIC:
            (start,) = struct.unpack_from(word, content, header + (8 if wide else 4))
            (length,) = struct.unpack_from(word, content, header + (32 if wide else 16))
            for entry in range(start, start + length, 16 if wide else 8):
                (tag,) = struct.unpack_from(word, content, entry)
                if tag == DT_NULL:
                    break
                if tag in DEPENDENCIES:
                    struct.pack_into(word, changed, entry, NEUTRAL)
            return bytes(changed)
    raise DeviceError("the library is damaged: it has no dynamic section")
