"""The structure of JPEG files: what their headers state, and files whose end is missing.

A JPEG without its end marker, or with a few bytes missing before it, is displayed by every viewer; phones and truncated
downloads make such files. `repaired` completes such a file. The missing part is measured by decoding it twice with
different bytes in place of the missing ones: the pixels that change are those that the file does not hold.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.imaging.remarks import remark

__all__ = ["JpegHeader", "check_jpeg", "read_header", "repaired"]

TAIL_PIXELS, TAIL_SHARE = 4096, 0.02
"""How much of an image may be missing at its end: this many pixels (16 blocks of 16 x 16) and this share of all."""
_END = b"\xff\xd9"
_FILLER = bytes((0x5A, 0xA5, 0x36, 0xC9, 0x00, 0x7F)) * 16
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))
_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1"


@dataclass
class JpegHeader:
    """What the segments of a JPEG state.

    Attributes:
        frame: the kind of coding, the number of its SOF marker.
        precision: bits of a sample.
        components: number, and horizontal and vertical sampling factor by component.
        missing: bits that no scan has given yet, by component and coefficient; all 0 in a complete file.
        gain_map: states an ISO 21496-1 gain map.
    """

    frame: int = 0
    precision: int = 8
    components: dict[int, tuple[int, int]] = field(default_factory=dict)
    missing: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    gain_map: bool = False

    @property
    def complete(self) -> bool:
        """Every coefficient was given to its last bit by some scan."""
        return bool(self.missing) and all(not bits.any() for bits in self.missing.values())

    @property
    def block(self) -> tuple[int, int]:
        """Height and width of the pixels that are coded together."""
        factors = self.components.values()
        return 8 * max(v for _, v in factors), 8 * max(h for h, _ in factors)


def read_header(data: bytes | memoryview, *, scans: bool = False) -> JpegHeader:
    """The segments of a JPEG up to its first scan, or with `scans` of the whole file."""
    header, offset = JpegHeader(), 2
    while (match := _MARKER.search(data, offset)) is not None:
        code, offset = data[match.start() + 1], match.end()
        if code == 0xD9:
            break
        if code in _ALONE:
            continue
        length = int.from_bytes(data[offset : offset + 2], "big")
        body = bytes(data[offset + 2 : offset + length])
        offset += length
        if code in _FRAMES and len(body) >= 6:
            header.frame, header.precision = code, body[0]
            entries = (body[start : start + 3] for start in range(6, len(body) - 2, 3))
            header.components = {entry[0]: (entry[1] >> 4, entry[1] & 15) for entry in entries}
            header.missing = {number: np.full(64, 99) for number in header.components}
        elif code == 0xE2 and body.startswith(_GAIN_MAP):
            header.gain_map = True
        elif code == 0xDA:
            _count_scan(header, body)
            if not scans:
                break
    return header


def _count_scan(header: JpegHeader, body: bytes) -> None:
    count = body[0] if body else 0
    if len(body) < 2 * count + 4:
        return
    first, last, bits = body[2 * count + 1 : 2 * count + 4]
    whole = header.frame != _PROGRESSIVE
    for index in range(count):
        missing = header.missing.get(body[1 + 2 * index])
        if missing is not None:
            missing[slice(None) if whole else slice(first, last + 1)] = 0 if whole else bits & 15


def check_jpeg(path: Path, header: JpegHeader) -> None:
    """Raise `ImageError` for a kind of JPEG that Pillow does not decode to what it means."""
    if header.frame not in (_BASELINE, _EXTENDED, _PROGRESSIVE, 0xC9, 0xCA, 0):
        raise ImageError(
            f"is a JPEG of the lossless or hierarchical kind (SOF{header.frame - 0xC0}), which is not read",
            where=path,
            fix="convert it to PNG or an ordinary JPEG",
        )
    if header.precision != 8:
        raise ImageError(
            f"is a JPEG of {header.precision} bits, which is not read",
            where=path,
            fix="convert it to a 16-bit PNG or TIFF",
        )


def repaired(path: Path, data: bytes) -> bytes | None:
    """A JPEG whose end is missing, completed; None when more than its end is missing or it is damaged otherwise.

    Says in a remark what was missing.
    """
    if (cut := data.rstrip(b"\xff")).endswith(_END):
        return None
    header = read_header(cut, scans=True)
    if not header.complete:
        return None
    whole = cut + _END
    try:
        ours, other = (_pixels(version) for version in (whole, cut + _FILLER + _END))
    except Exception:
        return None
    missing = _missing(ours, other, header.block)
    height, width = ours.shape[:2]
    if missing > min(TAIL_PIXELS, TAIL_SHARE * height * width):
        return None
    what = (
        f"about {missing} of {height * width} pixels, at its end, are missing"
        if missing
        else "all pixels are there"
    )
    remark(path, f"the JPEG does not end as it should; {what}")
    return whole


def _pixels(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        return np.asarray(image)


def _missing(ours: NDArray[Any], other: NDArray[Any], block: tuple[int, int]) -> int:
    """Pixels from the first block that differs to the end, in the order of coding."""
    differs = ours != other
    differs = differs.any(axis=2) if differs.ndim == 3 else differs
    rows = np.flatnonzero(differs.any(axis=1))
    if not len(rows):
        return 0
    height, width = differs.shape
    high, wide = block
    spread = [int(side > 8) for side in block]  # enlarging the chroma reaches one pixel into the block before
    top = (int(rows[0]) + spread[0]) // high * high
    columns = np.flatnonzero(differs[top : top + high].any(axis=0))
    left = (int(columns[0]) + spread[1]) // wide * wide if len(columns) else 0
    done = min(top, height) * width + left * min(high, max(0, height - top))
    return int(height * width - done)
