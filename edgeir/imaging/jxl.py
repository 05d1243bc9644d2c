"""JPEG XL files: pixels by imagecodecs (libjxl), which gives neither metadata nor what the samples mean; the header is
read here for that (ISO/IEC 18181-1, the SizeHeader and ImageMetadata bundles).

A file with an embedded ICC profile that libjxl could not express by code points is refused: the decoder does not give
the profile, and the colours would be wrong without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeir.core.errors import ImageError
from edgeir.imaging.colour_tags import PRIMARIES, ColourTags
from edgeir.imaging.density import density_of_exif
from edgeir.imaging.photo import ORIENTATION, loaded_exif
from edgeir.imaging.remarks import remark
from edgeir.imaging.samples import Stored, check_size, split

__all__ = ["JxlHeader", "decode_jxl", "read_jxl_header"]

_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIDES = ((9, 1), (13, 1), (18, 1), (30, 1))
_ENUM = (0, 1, (4, 2), (6, 18))
_CUSTOM = 2
_SRGB_CODE = (1, 13, 0, 1)
_P3_PRIMARIES, _DCI_WHITE, _EQUAL_WHITE = 11, 11, 10

_Choice = int | tuple[int, int]


@dataclass
class JxlHeader:
    """What a codestream states about its image; `problem` names what is not read."""

    width: int = 0
    height: int = 0
    bits: int = 8
    real: bool = False
    alpha: bool = False
    premultiplied: bool = False
    xyb: bool = True
    colour: ColourTags | None = None
    problem: str | None = None


class _Bits:
    """Bits of a codestream, lowest first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the header is truncated")
        result = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return result

    def choice(self, *choices: _Choice) -> int:
        """U32: two bits choose a constant, or how many bits follow and what is added to them."""
        chosen = choices[self.take(2)]
        return chosen if isinstance(chosen, int) else self.take(chosen[0]) + chosen[1]

    def enum(self) -> int:
        return self.choice(*_ENUM)


def read_jxl_header(codestream: bytes) -> JxlHeader:
    """The header of a bare codestream.

    Raises:
        ValueError: it ends within its header.
    """
    bits, header = _Bits(codestream[2:4096]), JxlHeader()
    header.height, header.width = _size(bits)
    if bits.take(1):  # all default: 8 bits, XYB, sRGB
        return header
    if bits.take(1):  # extra fields
        bits.take(3)  # orientation: the decoder applies it
        if bits.take(1):
            _size(bits)
        if bits.take(1):
            header.problem = "an embedded preview"
            return header
        if bits.take(1):
            header.problem = "an animation"
            return header
    header.bits, header.real = _depth(bits)
    bits.take(1)
    for _ in range(bits.choice(0, 1, (4, 2), (12, 1))):
        _extra_channel(bits, header)
    header.xyb = bool(bits.take(1))
    if header.problem is None:
        _colour(bits, header)
    return header


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)

    def side() -> int:
        return (bits.take(5) + 1) * 8 if small else bits.choice(*_SIDES)

    height, ratio = side(), bits.take(3)
    if ratio == 0:
        return height, side()
    top, bottom = _RATIOS[ratio - 1]
    return height, height * top // bottom


def _depth(bits: _Bits) -> tuple[int, bool]:
    if bits.take(1):
        depth = bits.choice(32, 16, 24, (6, 1))
        bits.take(4)
        return depth, True
    return bits.choice(8, 10, 12, (6, 1)), False


def _extra_channel(bits: _Bits, header: JxlHeader) -> None:
    kind = depth = shift = 0
    associated = False
    if not bits.take(1):
        kind = bits.enum()
        depth = _depth(bits)[0]
        shift = bits.choice(0, 3, 4, (3, 1))
        for _ in range(bits.choice(0, (4, 0), (5, 16), (10, 48))):
            bits.take(8)
        associated = kind == 0 and bool(bits.take(1))
        if kind not in (0, 1):
            header.problem = f"an extra channel of type {kind}"  # 2: spot colour, 4: black of CMYK, 5: raw
    if kind or header.alpha or shift or (depth not in (0, header.bits)):
        header.problem = header.problem or f"extra channels beside one alpha channel of {header.bits} bits"
    header.alpha, header.premultiplied = True, associated


def _colour(bits: _Bits, header: JxlHeader) -> None:
    if bits.take(1):  # all default: sRGB
        return
    icc, space = bits.take(1), bits.enum()
    if icc:
        header.problem = "an embedded ICC profile, which the decoder does not give"
    elif space not in (0, 1):
        header.problem = f"the colour space {space}"
    if header.problem:
        return
    white = bits.enum()
    points = [_point(bits)] if white == _CUSTOM else [(0.3127, 0.3290)]
    primaries = bits.enum() if space == 0 else 1
    if primaries == _CUSTOM:
        points += [_point(bits) for _ in range(3)]
    gamma = bits.take(24) / 1e7 if bits.take(1) else None
    transfer = 0 if gamma is not None else bits.enum()
    code = 12 if (primaries, white) == (_P3_PRIMARIES, 1) else primaries  # Display P3
    custom = (
        _CUSTOM in (white, primaries) or white == _EQUAL_WHITE or (white == _DCI_WHITE and primaries != 11)
    )
    if gamma is None and not custom and transfer != 2:
        cicp = (code, transfer, 0, 1)
        header.colour = None if cicp == _SRGB_CODE else ColourTags(cicp=cicp)
    elif gamma is not None and white in (1, _CUSTOM) and (white == _CUSTOM) == (primaries == _CUSTOM):
        flat = tuple(value for point in points for value in point)
        header.colour = ColourTags(gamma, flat if len(flat) == 8 else PRIMARIES.get(code))
    else:
        header.problem = f"the white point {white}, primaries {primaries} and transfer function {transfer}"


def _point(bits: _Bits) -> tuple[float, float]:
    def coordinate() -> float:
        packed = bits.choice((19, 0), (19, 524_288), (20, 1_048_576), (21, 2_097_152))
        return (-(packed + 1) // 2 if packed & 1 else packed // 2) / 1e6

    return coordinate(), coordinate()


def decode_jxl(path: Path, max_pixels: int) -> Stored:
    """Decode a JPEG XL still image; see `edgeir.imaging.read`."""
    import imagecodecs  # slow to load, rarely needed

    data = path.read_bytes()
    boxes = dict(_boxes(data)) if data.startswith(_CONTAINER) else {}
    codestream = boxes.get(b"codestream", b"") if boxes else data
    if not codestream.startswith(b"\xff\x0a"):
        raise ValueError("it holds no JPEG XL codestream")
    header = read_jxl_header(codestream)
    check_size(path, header.width, header.height, max_pixels)
    if header.problem is not None:
        raise ImageError(
            f"is JPEG XL with {header.problem}", where=path, fix="convert it to PNG (for example with djxl)"
        )
    bits = None if header.real else header.bits
    pixels, alpha = split(
        path, imagecodecs.jpegxl_decode(data), bits=bits, premultiplied=header.premultiplied
    )
    block = boxes.get(b"Exif", b"")
    exif = loaded_exif(block[4 + int.from_bytes(block[:4], "big") :])
    exif.pop(ORIENTATION, None)  # the decoder has turned the image by the codestream's own orientation
    if b"jhgm" in boxes:
        remark(path, "its gain map (HDR) is not carried over: the result is the ordinary image")
    return Stored(
        pixels,
        alpha,
        None,
        exif,
        xmp=boxes.get(b"xml "),
        density=density_of_exif(exif),
        colour=header.colour,
        lossy=True if header.xyb else None,
    )


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The metadata boxes of a container by type, and the parts of its codestream joined."""
    import imagecodecs

    offset, codestream = 0, b""
    while offset + 8 <= len(data):
        length, kind = int.from_bytes(data[offset : offset + 4], "big"), data[offset + 4 : offset + 8]
        start = offset + 8
        if length == 1:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        end = len(data) if length == 0 else offset + length
        if end < start:
            break
        body = data[start:end]
        if kind == b"jxlc":
            codestream = body
        elif kind == b"jxlp":
            codestream += body[4:]
        elif kind == b"brob" and body[:4] in (b"Exif", b"xml "):
            yield body[:4], bytes(imagecodecs.brotli_decode(body[4:]))
        else:
            yield kind, body
        offset = end
    yield b"codestream", codestream
