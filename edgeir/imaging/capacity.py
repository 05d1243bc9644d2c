"""Whether a file is long enough for the size that its header states, before memory is taken and a decoder runs.

A few bytes can state a huge image; within `max_pixels` a decoder would then fill hundreds of megabytes, or run for a
minute and a half (a run-length coded BMP in Pillow), before it finds the data missing. No intact file is refused: the
bounds are the largest ratios that each coding can reach.
"""

from __future__ import annotations

from pathlib import Path

from edgeir.core.errors import ImageError

__all__ = ["check_capacity", "check_file_capacity"]

_BYTES_PER_BYTE = {
    "PNG": 1100,  # deflate: 258 bytes from 2 bits
    "GIF": 4096,  # LZW: a code of at most 12 bits stands for at most 4096 pixels
}
JPEG_PIXELS_PER_BYTE = 512
"""A block of 64 pixels takes at least one bit."""
RLE_PIXELS_PER_BYTE = 128
"""A run of at most 255 pixels takes two bytes."""


def check_capacity(path: Path, width: int, height: int, stated: int, possible: int) -> None:
    """Raise `ImageError` when the header states more bytes (or pixels) than the file can hold."""
    if stated > possible:
        raise ImageError(
            f"its header states {width} x {height} pixels, more than a file of {path.stat().st_size} bytes can hold",
            where=path,
            fix="the file is damaged or truncated; copy or download it again",
        )


def check_file_capacity(
    path: Path, kind: str, width: int, height: int, bits: int, *, rle: bool = False
) -> None:
    """`check_capacity` by format.

    Args:
        kind: as `edgeir.imaging.kinds.kind_of` gives it; formats without a bound are let through.
        bits: of a pixel as the file stores it, before compression.
        rle: a run-length coded BMP.
    """
    size = path.stat().st_size
    if kind == "JPEG":
        check_capacity(path, width, height, width * height, size * JPEG_PIXELS_PER_BYTE)
    elif rle:
        check_capacity(path, width, height, width * height, size * RLE_PIXELS_PER_BYTE)
    elif kind in ("BMP", "PNM"):
        check_capacity(path, width, height, width * height * bits // 8, size)
    elif kind in _BYTES_PER_BYTE:
        check_capacity(path, width, height, width * height * bits // 8, size * _BYTES_PER_BYTE[kind])
