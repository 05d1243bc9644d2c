"""What a decoder gives, brought to 8 or 16-bit RGB or gray, and the size check that comes before decoding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeir.core.errors import ImageError

__all__ = ["Stored", "check_size", "split"]


@dataclass(frozen=True)
class Stored:
    """An image as the file stores it: pixels HW3 or HW1 and alpha HW, not yet upright."""

    pixels: Any
    alpha: Any | None
    icc: bytes | None
    exif: Image.Exif


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


def split(path: Path, array: NDArray[Any]) -> tuple[Any, Any]:
    """HW, HW1, HW2 (gray and alpha), HW3 or HW4 of any sample type to 8 or 16-bit pixels and alpha."""
    array = _samples(path, array if array.ndim == 3 else array[:, :, None])
    channels = array.shape[2]
    if channels > 4:
        raise ImageError(f"has {channels} channels", where=path, fix="keep the colour channels only")
    colours = channels - (channels in (2, 4))
    alpha = np.ascontiguousarray(array[:, :, -1]) if channels in (2, 4) else None
    return array[:, :, :colours], alpha


def _samples(path: Path, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return array.astype(np.uint16)
    if array.dtype.kind in "iu":
        if array.min() < 0 or array.max() > 65535:
            raise ImageError(
                f"its integer samples run from {array.min()} to {array.max()}",
                where=path,
                fix="convert it to 16 bits",
            )
        return array.astype(np.uint16)
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # also catches NaN
            raise ImageError(
                f"its floating-point samples run from {array.min():.3g} to {array.max():.3g}",
                where=path,
                fix="scale them to 0..1 or convert it to 16 bits",
            )
        return np.rint(array.astype(np.float32) * 65535).astype(np.uint16)
    raise ImageError(
        f"its samples are of the type {array.dtype}", where=path, fix="convert it to 8 or 16 bits"
    )
