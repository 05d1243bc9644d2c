"""What a program needs beside itself: its dynamic linker and shared libraries, found for a processor and copied.

With them it runs on any Linux kernel of that processor, whatever C library is installed there: on a board with an old
one, in a phone's shell, which has Android's. The linker is then started by its path, and told where the libraries lie.
"""

from __future__ import annotations

import struct
from pathlib import Path

from edgeir.core.errors import DeviceError
from edgeir.devices.runner.toolchain import Abi

__all__ = ["companions", "needs"]

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB = 0, 1, 5
HERE = ("/lib64", "/usr/lib64", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib")
"""Where this machine's own libraries lie."""


def needs(content: bytes) -> tuple[str | None, list[str]]:
    """The path of the dynamic linker that an ELF program names (None for a library), and the libraries it needs.

    Raises:
        DeviceError: it is no ELF file, or is damaged.
    """
    try:
        return _read(content)
    except (struct.error, ValueError, OverflowError) as error:
        raise DeviceError("it is no program, or is damaged") from error


def companions(program: Path, abi: Abi) -> tuple[Path, list[Path]]:
    """The dynamic linker of a program for this processor, and every library that it and they need.

    Raises:
        DeviceError: one of them is not installed here; the message has the line that installs it.
    """
    linker, names = needs(program.read_bytes())
    if linker is None:
        raise DeviceError("it has no dynamic linker", where=program)
    loader = _found(Path(linker).name, abi)
    libraries: dict[str, Path] = {}
    while names:
        name = names.pop()
        if name not in libraries and name != Path(linker).name:
            libraries[name] = _found(name, abi)
            names += needs(libraries[name].read_bytes())[1]
    return loader, [libraries[name] for name in sorted(libraries)]


def _found(name: str, abi: Abi) -> Path:
    folders = [Path(folder) for folder in HERE] if abi.sysroot is None else [abi.sysroot / "lib"]
    path = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if path is None:
        raise DeviceError(
            f"{name} for {abi.name} is not installed", where=folders[0], fix=f"apt-get install {abi.packages}"
        )
    return path


def _read(content: bytes) -> tuple[str | None, list[str]]:
    if content[:4] != b"\x7fELF" or content[5:6] != b"\x01":
        raise ValueError("no little-endian ELF file")
    wide = content[4] == 2
    word, step = ("<Q", 16) if wide else ("<I", 8)

    def at(offset: int, form: str = word) -> int:
        return int(struct.unpack_from(form, content, offset)[0])

    def text(offset: int) -> str:
        return content[offset : content.index(b"\0", offset)].decode("ascii")

    table, size, count = at(32 if wide else 28), at(54 if wide else 42, "<H"), at(56 if wide else 44, "<H")
    headers = [table + size * index for index in range(count)]
    # Of each segment: its kind, and its offset, address and length.
    places = (8, 16, 32) if wide else (4, 8, 16)
    segments = [(at(header, "<I"), *(at(header + place) for place in places)) for header in headers]
    linker, entries = None, []
    for kind, offset, _, length in segments:
        if kind == PT_INTERP:
            linker = text(offset)
        if kind == PT_DYNAMIC:
            for entry in range(offset, offset + length, step):
                if at(entry) == DT_NULL:
                    break
                entries.append((at(entry), at(entry + step // 2)))
    strings = next((value for tag, value in entries if tag == DT_STRTAB), 0)
    base = next(
        (offset - address for kind, offset, address, length in segments
         if kind == PT_LOAD and address <= strings < address + length),
        0,
    )  # fmt: skip
    return linker, [text(strings + base + value) for tag, value in entries if tag == DT_NEEDED]
