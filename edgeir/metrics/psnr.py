"""Peak signal-to-noise ratio."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.metrics.conventions import Channel, prepare

__all__ = ["psnr", "unrounded_psnr"]


def unrounded_psnr(image: NDArray[Any], truth: NDArray[Any]) -> float:
    """PSNR in dB of two images on the [0, 1] scale as they are: not rounded to bytes, and of all pixels and channels.

    For two networks, whose differences bytes would hide. Equal images have 200 dB, so that a difference stays finite.
    """
    error = float(np.mean(np.square(image.astype(np.float64) - truth)))
    return 10 * math.log10(1 / max(error, 1e-20))


def psnr(
    a: NDArray[Any],
    b: NDArray[Any],
    *,
    channel: Channel,
    crop: int,
    rounding: bool = True,
    clip: bool = True,
    round_y: bool = False,
) -> float:
    """PSNR in dB with the peak 255: 10 log10(255² / MSE), MSE over all pixels and channels together.

    Args:
        a, b: HWC (or HW gray), uint8, or floating point in [0, 1]; the arguments that follow, and their order, are
            explained in `edgeir.metrics.conventions`.

    Returns:
        dB; infinity for equal images.

    Raises:
        DataError: the images do not fit each other or the conventions.
    """
    x, y = prepare(a, b, channel=channel, crop=crop, rounding=rounding, clip=clip, round_y=round_y)
    error = float(np.mean(np.square(x - y)))
    return math.inf if error == 0 else 10 * math.log10(255.0**2 / error)
