"""The meaning of a TIFF page's samples by its tags; a file with an unknown meaning is refused with its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeir.core.errors import ImageError

__all__ = [
    "BLACK_IS_ZERO",
    "CIE_LAB",
    "CMYK",
    "COLOURS",
    "COMPRESSIONS",
    "JPEG",
    "LOSSY",
    "PALETTE",
    "RGB",
    "WHITE_IS_ZERO",
    "YCBCR",
    "check_meaning",
    "tag_fractions",
    "tag_values",
]

PHOTOMETRIC, SAMPLE_FORMAT, EXTRA_SAMPLES = 262, 339, 338
INK_SET, DOT_RANGE, YCBCR_SUBSAMPLING = 332, 336, 530

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, CIE_LAB, ICC_LAB = 0, 1, 2, 3, 5, 6, 8, 9
COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, CIE_LAB: 3, ICC_LAB: 3}
"""Photometric interpretations that are read, and how many samples make a colour."""
PHOTOMETRIC_NAMES = {
    4: "transparency mask",
    10: "ITU L*a*b*",
    32803: "colour filter array (a camera's raw file)",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear raw",
    51177: "depth map",
}
SAMPLE_FORMATS = {2: "signed integers", 4: "of undefined format", 5: "complex integers", 6: "complex numbers"}

NO_COMPRESSION, JPEG = 1, 7
COMPRESSIONS = {
    NO_COMPRESSION: 1,
    2: 300,
    3: 300,
    4: 10_000,
    5: 4096,
    JPEG: None,
    8: 1100,
    32946: 1100,
    32773: 128,
    34925: None,
    50000: None,
    50001: None,
}
"""Compressions that are read (none, CCITT, LZW, JPEG, deflate, PackBits, LZMA, Zstandard, WebP), and how many bytes of
samples one byte of the file can stand for at most; None where there is no useful bound."""
LOSSY = frozenset({JPEG, 50001})


def check_meaning(path: Path, page: Any) -> int | None:
    """Refuse samples of unknown meaning; give the kind of the alpha channel: 1 premultiplied, 2 straight, or None."""

    def refuse(what: str, fix: str = "convert it to RGB or gray of 8 or 16 bits") -> ImageError:
        return ImageError(what, where=path, fix=fix)

    if PHOTOMETRIC not in page.tags:
        raise refuse("is a TIFF that does not state what its samples mean (PhotometricInterpretation)")
    photometric, samples, bits = int(page.photometric), page.samplesperpixel, page.bitspersample
    if photometric not in COLOURS:
        name = PHOTOMETRIC_NAMES.get(photometric, "unknown")
        raise refuse(f"is a TIFF of the photometric interpretation {photometric} ({name})")
    if int(page.compression) not in COMPRESSIONS:
        name = getattr(page.compression, "name", "unknown")
        raise refuse(f"is a TIFF compressed by method {int(page.compression)} ({name})")
    formats = tag_values(page, SAMPLE_FORMAT) or (1,)
    if len(set(formats)) > 1 or formats[0] not in (1, 3):
        raise refuse(
            f"has samples that are {SAMPLE_FORMATS.get(int(formats[0]), f'of the formats {formats}')}"
        )
    if not isinstance(bits, int) or page.imagedepth > 1:
        raise refuse(f"is a TIFF of {bits} bits and depth {page.imagedepth}")
    real = formats[0] == 3
    if not real and bits > 16:
        raise refuse(f"has integer samples of {bits} bits, and nothing states which value is white")
    if photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB) and (
        real or bits not in ((1, 2, 4, 8, 16) if photometric == PALETTE else (8, 16))
    ):
        raise refuse(f"is a TIFF of the photometric interpretation {photometric} with {page.dtype} samples")
    _check_ink_and_luma(refuse, page, photometric, bits)
    return _alpha_kind(refuse, page, samples - COLOURS[photometric])


def _alpha_kind(refuse: Any, page: Any, extra: int) -> int | None:
    kinds = tag_values(page, EXTRA_SAMPLES)
    if extra == 0 and not kinds:
        return None
    if extra != 1 or len(kinds) > 1:
        raise refuse(
            f"has {page.samplesperpixel} channels, {max(extra, len(kinds))} of them beside the colours"
        )
    if not kinds or kinds[0] not in (1, 2):
        stated = f"ExtraSamples {kinds[0]}" if kinds else "no ExtraSamples"
        raise refuse(
            f"has a channel beside the colours that is not said to be alpha ({stated})",
            "remove the channel, or state that it is alpha",
        )
    if page.photometric in (CMYK, CIE_LAB, ICC_LAB, YCBCR) and kinds[0] == 1:
        raise refuse(f"has premultiplied alpha over the photometric interpretation {int(page.photometric)}")
    return int(kinds[0])


def _check_ink_and_luma(refuse: Any, page: Any, photometric: int, bits: int) -> None:
    if photometric == CMYK:
        inks, dots = tag_values(page, INK_SET), tag_values(page, DOT_RANGE)
        if inks and inks[0] != 1:
            raise refuse(f"has inks other than CMYK (InkSet {inks[0]})")
        if dots and tuple(dots[:2]) != (0, 2**bits - 1):
            raise refuse(f"has a DotRange of {dots}")
    if photometric == YCBCR:
        if int(page.compression) == JPEG:
            if page.planarconfig == 2:
                raise refuse("has YCbCr planes compressed by JPEG")
        elif (tag_values(page, YCBCR_SUBSAMPLING) or (2, 2)) != (1, 1) or bits != 8:
            raise refuse("has subsampled or deep YCbCr samples without JPEG compression")


def tag_values(page: Any, tag: int) -> tuple[Any, ...]:
    """The values of a tag as a tuple; empty where it is absent."""
    entry = page.tags.get(tag)
    if entry is None:
        return ()
    value = entry.value
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def tag_fractions(page: Any, tag: int) -> tuple[float, ...]:
    """The values of a tag of fractions; empty where it is absent or malformed."""
    values = tag_values(page, tag)
    if len(values) % 2 or any(not bottom for bottom in values[1::2]):
        return ()
    return tuple(float(top) / float(bottom) for top, bottom in zip(values[::2], values[1::2], strict=True))
