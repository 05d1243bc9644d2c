"""How a file codes colours and tones where it has no ICC profile: PNG's gAMA, cHRM and sRGB, and code points (cICP).

The pixels of a `Photo` stay as they are coded, and the tags go with them. A PNG gets the tags as they were. Formats
without such tags get an ICC profile that states the same, so that a viewer shows the same tones: rounding 8-bit
linear samples to 8-bit sRGB instead would leave the shadows with a few levels. Where tags contradict each other the PNG
specification ranks them: cICP, ICC profile, sRGB, then gAMA with cHRM.

PQ and HLG (HDR) code points have no equivalent in an ICC profile that viewers agree on: they are kept in PNG and
refused elsewhere.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.imaging.png import png_chunk

__all__ = ["HDR_TRANSFERS", "ColourTags", "colour_chunks", "colour_of_chunks", "profile_of"]

SRGB_GAMMA = 1 / 2.2
GAMMA_TOLERANCE = 0.01
"""A gAMA chunk this close (relatively) to 1/2.2 means sRGB, as browsers take it."""
D65, DCI_WHITE = (0.3127, 0.3290), (0.314, 0.351)
SRGB_PRIMARIES = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
PRIMARIES = {
    1: (*D65, *SRGB_PRIMARIES),
    4: (0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*D65, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06),
    6: (*D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    7: (*D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (*DCI_WHITE, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (*D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}
"""ITU-T H.273 colour primaries: white, red, green and blue, x and y of each."""
GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
UNSPECIFIED = 2
SRGB_CODE = (1, 13)


@dataclass(frozen=True)
class ColourTags:
    """Colour tags of a file, without an ICC profile or in addition to one.

    Attributes:
        gamma: the exponent of gAMA, from light to samples: 1/2.2 for an ordinary image, 1 for a linear one.
        chromaticities: x and y of white, red, green and blue (cHRM).
        intent: the rendering intent of an sRGB chunk.
        cicp: ITU-T H.273 code points: primaries, transfer function, matrix, full range.
    """

    gamma: float | None = None
    chromaticities: tuple[float, ...] | None = None
    intent: int | None = None
    cicp: tuple[int, int, int, int] | None = None

    @property
    def hdr(self) -> str | None:
        """ "PQ" or "HLG" where the code points say so."""
        return HDR_TRANSFERS.get(self.cicp[1]) if self.cicp else None


def colour_of_chunks(chunks: Mapping[bytes, bytes]) -> ColourTags | None:
    """The tags in the ancillary chunks of a PNG; malformed ones count as absent."""
    gamma = chunks.get(b"gAMA", b"")
    exponent = struct.unpack(">I", gamma)[0] / 100_000 if len(gamma) == 4 else 0.0
    chroma = chunks.get(b"cHRM", b"")
    points = tuple(value / 100_000 for value in struct.unpack(">8I", chroma)) if len(chroma) == 32 else None
    intent, code = chunks.get(b"sRGB", b""), chunks.get(b"cICP", b"")
    tags = ColourTags(
        gamma=exponent if 0.01 < exponent < 100 else None,
        chromaticities=points if points is not None and min(points[1], points[3], points[5]) > 0 else None,
        intent=intent[0] if len(intent) == 1 and intent[0] < 4 else None,
        cicp=(code[0], code[1], code[2], code[3]) if len(code) == 4 else None,
    )
    return None if tags == ColourTags() else tags


def colour_chunks(tags: ColourTags | None, *, profile: bool) -> bytes:
    """The PNG chunks that state the tags; with an ICC profile beside them there is no sRGB chunk."""
    if tags is None:
        return b""
    result = b""
    if tags.cicp is not None:  # samples of a PNG are RGB (matrix 0) of the full range
        result += png_chunk(b"cICP", bytes((tags.cicp[0], tags.cicp[1], 0, 1)))
    if tags.gamma is not None:
        result += png_chunk(b"gAMA", struct.pack(">I", round(tags.gamma * 100_000)))
    if tags.chromaticities is not None:
        points = (round(value * 100_000) for value in tags.chromaticities)
        result += png_chunk(b"cHRM", struct.pack(">8I", *points))
    if tags.intent is not None and not profile:
        result += png_chunk(b"sRGB", bytes((tags.intent,)))
    return result


def profile_of(tags: ColourTags | None, icc: bytes | None, *, gray: bool) -> bytes | None:
    """The ICC profile that states what `tags` and `icc` state together; None for sRGB or nothing stated.

    Raises:
        ValueError: code points that no ICC profile can state; the text says which.
    """
    if tags is None:
        return icc
    if tags.cicp is not None and UNSPECIFIED not in tags.cicp[:2]:
        primaries, transfer = tags.cicp[:2]
        if tags.hdr:
            raise ValueError(f"its tones are coded by {tags.hdr} (HDR)")
        if (primaries, transfer) == SRGB_CODE:
            return None
        curve = _transfer(transfer)
        if primaries not in PRIMARIES or curve is None:
            raise ValueError(f"its colours are coded by the code points {primaries}/{transfer} (cICP)")
        return _profile(PRIMARIES[primaries], curve, gray=gray)
    if icc is not None or tags.intent is not None or tags.gamma is None:
        return icc
    points = tags.chromaticities or PRIMARIES[1]
    ordinary = abs(tags.gamma / SRGB_GAMMA - 1) <= GAMMA_TOLERANCE
    if ordinary and (gray or np.allclose(points, PRIMARIES[1], atol=0.002)):
        return None
    return _profile(points, 1 / tags.gamma, gray=gray)


def _transfer(code: int) -> float | NDArray[np.uint16] | None:
    """The exponent from samples to light, or a table of light for evenly spaced samples."""
    if code in GAMMAS:
        return GAMMAS[code]
    x = np.linspace(0, 1, 1024)
    if code == 13:  # sRGB
        light = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
    elif code in (1, 6, 14, 15):  # BT.709
        light = np.where(x < 0.081, x / 4.5, ((x + 0.099) / 1.099) ** (1 / 0.45))
    else:
        return None
    table: NDArray[np.uint16] = np.rint(light * 65535).astype(np.uint16)
    return table


def _profile(points: tuple[float, ...], curve: float | NDArray[np.uint16], *, gray: bool) -> bytes:
    import imagecodecs  # slow to load, rarely needed

    tone: dict[str, Any] = {"gamma": curve} if isinstance(curve, float) else {"transferfunction": curve}
    white = [*points[:2], 1.0]
    if gray:
        return bytes(imagecodecs.cms_profile("gray", whitepoint=white, **tone))
    primaries = [value for index in (2, 4, 6) for value in (*points[index : index + 2], 1.0)]
    return bytes(imagecodecs.cms_profile("rgb", whitepoint=white, primaries=primaries, **tone))
