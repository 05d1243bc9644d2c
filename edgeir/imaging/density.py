"""Resolution: dots per inch, or only the aspect ratio of a pixel.

An enlarged image keeps the number: a print at 300 dpi stays one at 300 dpi and becomes larger. (The alternative, the
same paper size with more dots, would need an option: no file says which is meant.)
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

__all__ = ["Density", "density_of_exif", "density_of_metres", "density_of_tags"]

CM_PER_INCH = 2.54
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128


class Density(NamedTuple):
    """Dots along the two sides of an upright image: per inch, or as a ratio only."""

    x: float
    y: float
    per_inch: bool = True

    @property
    def turned(self) -> Density:
        """That of the image with rows and columns exchanged."""
        return Density(self.y, self.x, self.per_inch)

    @property
    def per_metre(self) -> tuple[int, int]:
        """Whole dots per metre, as PNG and BMP state it."""
        return round(self.x / CM_PER_INCH * 100), round(self.y / CM_PER_INCH * 100)


def density_of_tags(x: Any, y: Any, unit: int) -> Density | None:
    """From TIFF's, EXIF's or JFIF's numbers: unit 2 is the inch, 3 the centimetre, else they are a ratio.

    None where they are missing or make no sense, or are a ratio of square pixels.
    """
    try:
        x, y = float(x), float(y)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not (math.isfinite(x) and math.isfinite(y) and 0 < x < 1e6 and 0 < y < 1e6):
        return None
    if unit == 3:
        return Density(x * CM_PER_INCH, y * CM_PER_INCH)
    if unit == 2:
        return Density(x, y)
    return None if x == y else Density(x, y, per_inch=False)


def density_of_exif(exif: Any) -> Density | None:
    """From the resolution tags of a `PIL.Image.Exif`."""
    unit = exif.get(RESOLUTION_UNIT, 2)
    return density_of_tags(
        exif.get(X_RESOLUTION), exif.get(Y_RESOLUTION), unit if isinstance(unit, int) else 1
    )


def density_of_metres(x: int, y: int) -> Density | None:
    """From whole dots per metre, as PNG and BMP state it; a whole number per inch is found again."""
    dots = [value * CM_PER_INCH / 100 for value in (x, y)]
    whole = [float(round(dpi)) if abs(dpi - round(dpi)) <= CM_PER_INCH / 200 else dpi for dpi in dots]
    return density_of_tags(whole[0], whole[1], 2)
