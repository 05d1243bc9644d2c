"""Multi-scale SSIM (Wang, Simoncelli, Bovik 2003) by the procedure that the PIRM 2018 challenge scored with.

That procedure is a Python one widely used at the time (in image compression toolkits): five scales with
the weights 0.0448, 0.2856, 0.3001, 0.2363, 0.1333; at each scale an 11x11 Gaussian of sigma 1.5, valid region;
where a side is shorter than 11 the window shrinks to min(11, h, w) and sigma with it; the contrast-structure
terms of the first four scales and the whole SSIM of the last are multiplied; between scales a 2x2 box mean, then
every second pixel, so that an odd side keeps its last row (averaged with its mirror image, itself).
The means of RGB are taken over the three channels together, before the product.

Decided here: a negative mean term, which has no real power and gives NaN in the original, counts as 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.metrics.conventions import Channel, prepare
from edgeir.metrics.ssim import SIGMA, WINDOW, gaussian, similarity

__all__ = ["WEIGHTS", "ms_ssim", "pirm_ms_ssim"]

Samples = NDArray[np.float64]

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ms_ssim(
    a: NDArray[Any],
    b: NDArray[Any],
    *,
    channel: Channel = "rgb",
    crop: int,
    rounding: bool = False,
    clip: bool = True,
    round_y: bool = False,
) -> float:
    """MS-SSIM, 1 for equal images.

    Args:
        a, b: HWC (or HW gray), uint8, or floating point in [0, 1]; the arguments that follow, and their order, are
            explained in `edgeir.metrics.conventions`.

    Raises:
        DataError: the images do not fit each other or the conventions.
    """
    x, y = prepare(a, b, channel=channel, crop=crop, rounding=rounding, clip=clip, round_y=round_y)
    return pirm_ms_ssim(x, y)


def pirm_ms_ssim(x: Samples, y: Samples) -> float:
    """The procedure itself on (channels, H, W) in 8-bit levels, of any range and nothing rounded."""
    result = 1.0
    for scale, weight in enumerate(WEIGHTS):
        size = min(WINDOW, *x.shape[1:])
        window = gaussian(size, size * SIGMA / WINDOW)
        terms = np.mean([similarity(p, q, window) for p, q in zip(x, y, strict=True)], axis=0)
        last = scale == len(WEIGHTS) - 1
        result *= max(float(terms[0 if last else 1]), 0.0) ** weight
        if not last:
            x, y = _halve(x), _halve(y)
    return result


def _halve(image: Samples) -> Samples:
    """Mean of 2x2 blocks; the last row or column of an odd side is paired with itself."""
    _, height, width = image.shape
    even = np.pad(image, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    result: Samples = (even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]) / 4
    return result
