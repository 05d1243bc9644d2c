"""The ways in which `fuzz_files.py` damages the bytes of a file: the same for a seed each time."""

from __future__ import annotations

import io
import zipfile

import numpy as np

WAYS = {"bytes": 0.55, "number": 0.15, "stretch": 0.12, "truncated": 0.12, "longer": 0.06}
"""Way to the share of the files that it gets."""
HEAD = 2048
"""Bytes at the front, where the structure of a small file is densest."""
_NUMBERS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF, 0x10000, 0x01000000)


def way_of(seed: int) -> str:
    """How the file of this seed is damaged."""
    generator = np.random.default_rng([seed, 1])
    return str(generator.choice(list(WAYS), p=list(WAYS.values())))


def damaged(content: bytes, seed: int) -> bytes:
    """`content`, damaged in one way; a file of no bytes is given one."""
    if not content:
        return b"\0"
    generator = np.random.default_rng(seed)
    way = way_of(seed)
    if way == "bytes":
        return changed(content, seed)
    data = bytearray(content)
    end = len(data) if generator.random() < 0.5 else min(len(data), HEAD)
    start = int(generator.integers(0, end))
    if way == "truncated":
        return bytes(data[:start])
    if way == "number":  # an offset, a length or a size of 32 bits
        start -= start % 4
        value = int(generator.choice(np.array(_NUMBERS, np.int64)))
        data[start : start + 4] = value.to_bytes(4, "little")[: len(data) - start]
        return bytes(data)
    extent = int(generator.integers(2, 65))
    if way == "stretch":
        filling = int(generator.choice([0, 0xFF]))
        data[start : start + extent] = bytes([filling]) * len(data[start : start + extent])
        return bytes(data)
    return bytes(data[:start]) + generator.bytes(extent) + bytes(data[start:])


def changed(content: bytes, seed: int) -> bytes:
    """One to four bytes changed, half the time in the head."""
    generator = np.random.default_rng(seed)
    data = bytearray(content)
    end = len(data) if generator.random() < 0.5 else min(len(data), HEAD)
    for _ in range(int(generator.integers(1, 5))):
        data[int(generator.integers(0, end))] ^= int(generator.integers(1, 256))
    return bytes(data)


def damaged_zip(content: bytes, seed: int) -> bytes:
    """A zip whose bytes are damaged, or, of odd seeds, one of whose members is, packed again."""
    if seed % 2 == 0:
        return damaged(content, seed)
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(packed, "w") as target:
        members = source.infolist()
        victim = members[seed // 2 % len(members)]
        for member in members:
            inside = source.read(member)
            target.writestr(member, damaged(inside, seed) if member is victim else inside)
    return packed.getvalue()
