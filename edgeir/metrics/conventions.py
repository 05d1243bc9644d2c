"""How two images are prepared for any metric, in this order: range, clip, rounding, border crop, channel.

- Range: uint8 images stay as they are, floating-point ones are multiplied by 255.
- `clip`: to [0, 255]. A network without a final clip exceeds that range.
- `rounding`: to whole levels (half to even), as an 8-bit file would store them. Not exactly "write a file and
  read it" unless `clip` is on too.
- `crop`: pixels cut off each of the four sides.
- `channel`: ``rgb``; ``y``, the luma of ITU-R BT.601 as MATLAB's `rgb2ycbcr` scales it (16 to 235); ``gray``, the one
  channel of a grayscale image, or of an RGB image whose three channels are equal.
- `round_y`, with the channel ``y``: whether Y too is rounded to whole levels, as MATLAB's `rgb2ycbcr` gives it for a
  uint8 image. Papers on networks of luma alone do that (SRCNN's and FSRCNN's scripts). Papers on colour networks do
  not: RCAN's and ESRGAN's MATLAB scripts convert to floating point first, and BasicSR does the same. Rounding costs
  0.01 to 0.02 dB at 27 to 31 dB.

A network of one channel gives luma on the full range (`edgeir.imaging.luma`). With ``y`` its output is rounded as in
the 8-bit file that it would be written to, and then scaled to Y's range, so that gray and colour networks are measured
alike; with `round_y` it is rounded once, on Y's range, because papers on such networks write Y itself to a file.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import DataError

__all__ = ["Channel", "luma", "prepare"]

Channel = Literal["y", "rgb", "gray"]
Samples = NDArray[np.float64]


def luma(rgb: NDArray[Any]) -> Samples:
    """Y of 8-bit RGB, (..., 3) in [0, 255] to (...) in [16, 235]: (65.481 R + 128.553 G + 24.966 B) / 255 + 16."""
    y: Samples = rgb[..., 0] * (65.481 / 255)
    y += rgb[..., 1] * (128.553 / 255)
    y += rgb[..., 2] * (24.966 / 255)
    y += 16.0
    return y


def prepare(
    a: NDArray[Any],
    b: NDArray[Any],
    *,
    channel: Channel,
    crop: int,
    rounding: bool,
    clip: bool,
    round_y: bool = False,
) -> tuple[Samples, Samples]:
    """Both images as float64 in 8-bit levels, (channels, H, W), ready to compare.

    Raises:
        DataError: the sizes differ, the border leaves nothing, a value is not finite, or the channel does not fit.
    """
    if a.shape[:2] != b.shape[:2]:
        raise DataError(f"the images have different sizes, {_size(a)} and {_size(b)}")
    if crop < 0:
        raise DataError(f"`crop` must not be negative, not {crop}")
    if min(a.shape[:2]) <= 2 * crop:
        raise DataError(f"cropping {crop} pixels off each side of a {_size(a)} image leaves nothing")
    first, second = (
        _one(image, channel, crop, rounding=rounding, clip=clip, round_y=round_y) for image in (a, b)
    )
    return first, second


def _one(
    image: NDArray[Any], channel: Channel, crop: int, *, rounding: bool, clip: bool, round_y: bool
) -> Samples:
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3):
        raise DataError(f"an image must be HW, HW1 or HW3, not {image.shape}")
    image = image[crop : image.shape[0] - crop, crop : image.shape[1] - crop]
    levels = _levels(image)
    if not np.isfinite(levels).all():
        raise DataError("an image has values that are not finite")
    if clip:
        np.clip(levels, 0, 255, out=levels)
    once = channel == "y" and round_y and levels.shape[2] == 1
    if rounding and not once:
        np.rint(levels, out=levels)
    if channel == "gray":
        if levels.shape[2] == 3 and not (levels == levels[:, :, :1]).all():
            raise DataError(
                "the channel `gray` needs a grayscale image; for a colour image take `y` or `rgb`"
            )
        return np.ascontiguousarray(levels[:, :, 0])[None]
    if channel == "y":
        y = luma(levels) if levels.shape[2] == 3 else levels[:, :, 0] * (219 / 255) + 16.0
        return (np.rint(y, out=y) if round_y else y)[None]
    if levels.shape[2] == 1:
        levels = np.repeat(levels, 3, axis=2)
    return np.ascontiguousarray(levels.transpose(2, 0, 1))


def _levels(image: NDArray[Any]) -> Samples:
    if image.dtype == np.uint8:
        return image.astype(np.float64)
    if image.dtype.kind == "f":
        return image.astype(np.float64) * 255.0
    raise DataError(f"an image must be uint8 or floating point in [0, 1], not {image.dtype.name}")


def _size(image: NDArray[Any]) -> str:
    return "x".join(map(str, image.shape[:2]))
