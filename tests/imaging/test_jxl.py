"""The header of a JPEG XL codestream, bit by bit."""

from __future__ import annotations

import pytest

from edgeir.imaging.colour_tags import ColourTags
from edgeir.imaging.jxl import read_jxl_header

D65_SRGB = [(1, 2), (1, 2)]
"""White point and primaries by their enumeration: a choice of 2 bits each."""


def codestream(*fields: tuple[int, int]) -> bytes:
    """A codestream that begins with these (value, number of bits)."""
    value = place = 0
    for number, count in fields:
        value, place = value | number << place, place + count
    return b"\xff\x0a" + value.to_bytes(place // 8 + 40, "little")


SIZE = [(1, 1), (4, 5), (0, 3), (6, 5)]
"""Small: 40 high, no ratio, 56 wide."""
PLAIN = [(0, 1), (0, 1), (0, 1), (0, 2), (1, 1), (0, 2)]
"""Not all default, nothing extra, integers of 8 bits, modular of 16, no extra channel."""


def colour(*fields: tuple[int, int], xyb: int = 0) -> bytes:
    return codestream(*SIZE, *PLAIN, (xyb, 1), *fields)


def test_sizes() -> None:
    header = read_jxl_header(codestream(*SIZE, (1, 1)))
    assert (header.height, header.width, header.bits, header.xyb, header.problem) == (40, 56, 8, True, None)
    wide = read_jxl_header(codestream((0, 1), (1, 2), (1199, 13), (5, 3), (1, 1)))
    assert (wide.height, wide.width) == (1200, 2133)  # 16:9
    free = read_jxl_header(codestream((0, 1), (0, 2), (299, 9), (0, 3), (3, 2), (70_000 - 1, 30), (1, 1)))
    assert (free.height, free.width) == (300, 70_000)


def test_depths_and_alpha() -> None:
    fields = [*SIZE, (0, 1), (0, 1), (0, 1), (2, 2), (1, 1)]  # 12 bits
    alpha = [
        (0, 1),
        (0, 2),
        (0, 1),
        (2, 2),
        (0, 2),
        (0, 2),
        (1, 1),
    ]  # alpha of 12 bits, no shift, no name, associated
    header = read_jxl_header(codestream(*fields, (1, 2), *alpha, (0, 1), (1, 1)))
    assert (header.bits, header.alpha, header.premultiplied, header.problem) == (12, True, True, None)
    spot = [(0, 1), (2, 2), (0, 4), (0, 1), (2, 2), (0, 2), (0, 2)]
    assert "extra channel of type 2" in str(read_jxl_header(codestream(*fields, (1, 2), *spot)).problem)
    real = read_jxl_header(
        codestream(*SIZE, (0, 1), (0, 1), (1, 1), (1, 2), (4, 4), (1, 1), (0, 2), (0, 1), (1, 1))
    )
    assert (real.real, real.bits) == (True, 16)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([(1, 1)], None),
        ([(0, 1), (0, 1), (0, 2), *D65_SRGB, (0, 1), (2, 2), (11, 4)], None),  # sRGB written out
        ([(0, 1), (0, 1), (0, 2), *D65_SRGB, (0, 1), (2, 2), (6, 4)], ColourTags(cicp=(1, 8, 0, 1))),
        (
            [(0, 1), (0, 1), (0, 2), (1, 2), (2, 2), (9, 4), (0, 1), (2, 2), (11, 4)],
            ColourTags(cicp=(12, 13, 0, 1)),
        ),
        (
            [(0, 1), (0, 1), (0, 2), (1, 2), (2, 2), (7, 4), (0, 1), (2, 2), (14, 4)],
            ColourTags(cicp=(9, 16, 0, 1)),
        ),
    ],
)
def test_enumerated_colours(fields: list[tuple[int, int]], expected: ColourTags | None) -> None:
    header = read_jxl_header(colour(*fields))
    assert header.problem is None
    assert header.colour == expected


def test_a_gamma() -> None:
    header = read_jxl_header(colour((0, 1), (0, 1), (0, 2), *D65_SRGB, (1, 1), (4_545_500, 24)))
    assert header.colour is not None
    assert header.colour.gamma == pytest.approx(0.45455)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([(0, 1), (1, 1), (0, 2)], "embedded ICC profile"),
        ([(0, 1), (0, 1), (2, 2), (0, 4)], "colour space 2"),
        ([(0, 1), (0, 1), (0, 2), (2, 2), (8, 4), (1, 2), (0, 1), (2, 2), (11, 4)], "white point 10"),
    ],
)
def test_colours_that_are_refused(fields: list[tuple[int, int]], words: str) -> None:
    assert words in str(read_jxl_header(colour(*fields)).problem)


def test_preview_and_animation() -> None:
    for fields, words in (([(0, 1), (1, 1)], "preview"), ([(0, 1), (0, 1), (1, 1)], "animation")):
        header = read_jxl_header(codestream(*SIZE, (0, 1), (1, 1), (0, 3), *fields))
        assert words in str(header.problem)


def test_a_header_that_ends_early() -> None:
    with pytest.raises(ValueError, match="truncated"):
        read_jxl_header(b"\xff\x0a\x00")
