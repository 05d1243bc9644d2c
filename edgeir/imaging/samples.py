"""Conversion of decoded samples to 8 or 16-bit RGB or gray with straight alpha, and the size check before decoding.

Integers are scaled by the depth that the file states, floating-point samples must lie in [0, 1] but for
`FLOAT_TOLERANCE`. Signed integers and integers of more than 16 bits are refused: nothing says which value is white.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeir.core.errors import ImageError
from edgeir.imaging.remarks import remark

if TYPE_CHECKING:
    from edgeir.imaging.colour_tags import ColourTags
    from edgeir.imaging.density import Density

__all__ = ["FLOAT_TOLERANCE", "Stored", "check_size", "scaled", "split"]

FLOAT_TOLERANCE = 0.05
"""How far floating-point samples may leave [0, 1]: resampling with a sharp kernel overshoots by that much at edges.
Such samples are clipped, with a remark; larger ones mean another scale or a scene brighter than white: refused."""

_ROWS = 256
"""Rows handled at a time where an intermediate is larger than the image."""


@dataclass(frozen=True)
class Stored:
    """An image as the file stores it: pixels HW3 or HW1 and straight alpha HW, not yet upright; and its metadata."""

    pixels: Any
    alpha: Any | None
    icc: bytes | None
    exif: Image.Exif
    xmp: bytes | None = None
    density: Density | None = None
    colour: ColourTags | None = None
    lossy: bool | None = None


def check_size(path: Path, width: int, height: int, max_pixels: int) -> None:
    """Raise `ImageError` when the size that a header states is empty or over `max_pixels`."""
    if width < 1 or height < 1:
        raise ImageError(
            f"its header states {width} x {height} pixels", where=path, fix="the file is damaged"
        )
    if width * height > max_pixels:
        raise ImageError(
            f"its header states {width} x {height} = {width * height / 1e6:.0f} megapixels, "
            f"more than the limit of {max_pixels / 1e6:.0f}",
            where=path,
            fix="cut it into parts, or raise max_pixels if you trust the file",
        )


def split(
    path: Path, array: NDArray[Any], *, bits: int | None = None, premultiplied: bool = False
) -> tuple[Any, Any]:
    """HW, HW1, HW2 (gray and alpha), HW3 or HW4 of any sample type to 8 or 16-bit pixels and alpha.

    Args:
        bits: the depth of integer samples; that of their type unless given.
        premultiplied: the colours are multiplied by alpha; they are divided by it. Where alpha is 0 they stay.

    Raises:
        ImageError: more than 4 channels, or samples of a kind that has no 8-bit or 16-bit meaning.
    """
    array = array if array.ndim == 3 else array[:, :, None]
    channels = array.shape[2]
    if channels > 4:
        raise ImageError(f"has {channels} channels", where=path, fix="keep the colour channels only")
    has_alpha = channels in (2, 4)
    array = _checked(path, array)
    if premultiplied and has_alpha:
        array = _straight(array, bits)
    array = scaled(array, bits)
    alpha = np.ascontiguousarray(array[:, :, -1]) if has_alpha else None
    return array[:, :, : channels - has_alpha], alpha


def scaled(array: NDArray[Any], bits: int | None = None) -> NDArray[Any]:
    """Unsigned integers of 1 to 16 bits, booleans, or floats on [0, 1] to the full range of uint8 or uint16."""
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "f":
        result = np.empty(array.shape, np.uint16)
        for top in range(0, len(array), _ROWS):
            rows = array[top : top + _ROWS].astype(np.float32)
            result[top : top + _ROWS] = np.rint(np.clip(rows, 0, 1) * 65535)
        return result
    depth = 8 * array.dtype.itemsize if bits is None else bits
    white, dtype = (255, np.uint8) if depth <= 8 else (65535, np.uint16)
    if depth in (8, 16):
        return array.astype(dtype, copy=False)
    levels = np.rint(np.arange(2**depth) * (white / (2**depth - 1))).astype(dtype)
    return np.asarray(levels[array])


def _checked(path: Path, array: NDArray[Any]) -> NDArray[Any]:
    """The array, if its samples have a meaning; floats slightly out of range are clipped."""
    if array.dtype.kind == "f":
        return _clipped(path, array)
    if array.dtype.kind == "u" and array.dtype.itemsize > 2:
        raise ImageError(
            f"its samples are integers of {8 * array.dtype.itemsize} bits, and nothing states which value is white",
            where=path,
            fix="convert it to 16 bits",
        )
    if array.dtype.kind not in "ub":
        kind = "signed integers" if array.dtype.kind == "i" else "no plain numbers"
        raise ImageError(
            f"its samples are {kind} ({array.dtype}), whose black and white are not stated",
            where=path,
            fix="convert it to 8 or 16 bits without sign",
        )
    return array


def _clipped(path: Path, array: NDArray[Any]) -> NDArray[Any]:
    least, most = array.min(), array.max()
    if least >= 0 and most <= 1:
        return array
    if not (np.isfinite(least) and np.isfinite(most)):
        raise ImageError(
            "some of its floating-point samples are NaN or infinite", where=path, fix="replace those samples"
        )
    span = f"its floating-point samples run from {_digits(least)} to {_digits(most)}"
    if least < -FLOAT_TOLERANCE or most > 1 + FLOAT_TOLERANCE:
        raise ImageError(
            f"{span}, more than {FLOAT_TOLERANCE} outside of 0..1",
            where=path,
            fix="scale them to 0..1 or convert it to 16 bits",
        )
    remark(path, f"{span}; clipped to 0..1")
    clipped: NDArray[Any] = np.clip(array, 0, 1)
    return clipped


def _digits(value: Any) -> str:
    """As few digits as tell the number apart from its neighbours in its own precision, so 1.0000001 is not "1"."""
    return np.format_float_positional(value, unique=True, trim="-") if abs(value) < 1e6 else f"{value:.6g}"


def _straight(array: NDArray[Any], bits: int | None) -> NDArray[Any]:
    """Colours divided by the last channel, alpha."""
    real = array.dtype.kind == "f"
    white = 1 if real else 2 ** (bits or 8 * array.dtype.itemsize) - 1
    result = array.copy()
    for top in range(0, len(array), _ROWS):
        rows = array[top : top + _ROWS].astype(np.float32 if array.dtype.itemsize <= 2 else np.float64)
        colours, alpha = rows[:, :, :-1], rows[:, :, -1:]
        opaque = np.greater(alpha, 0)
        divided = np.divide(colours * white, alpha, out=colours.copy(), where=opaque)
        divided = np.minimum(divided, white)
        result[top : top + _ROWS, :, :-1] = divided if real else np.rint(divided)
    return result
