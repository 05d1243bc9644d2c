"""Bicubic resizing, of a whole image or of any window of its enlargement, in the two flavours that papers use.

- ``matlab``: MATLAB's ``imresize`` (Keys' kernel with a = -0.5, widened by the scale when shrinking, symmetric
  border, normalised weights, rows then columns, integer samples rounded after **each** direction). The papers.
- ``pillow``: ``PIL.Image.resize(..., BICUBIC)``, which PIRM 2018 used: the same kernel in fixed-point arithmetic, with
  another border. It differs by 0.01-0.09 dB.

Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. ASSP 1981.
"""

from __future__ import annotations

import functools
import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from edgeir.core.errors import DataError

__all__ = ["Flavour", "downscale", "enlarge", "resize", "upscale"]

Flavour = Literal["matlab", "pillow"]
Pixels = npt.NDArray[Any]
Span = tuple[int, int]
Taps = tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]


def downscale(image: Pixels, scale: int, flavour: Flavour = "matlab") -> Pixels:
    """Shrink a uint8 HWC image by an integer factor, rounded to uint8.

    Raises:
        DataError: a side is not a multiple of `scale`.
    """
    height, width = image.shape[:2]
    if height % scale or width % scale:
        raise DataError(f"the image is {height}x{width}, but both sides must be a multiple of {scale}")
    return resize(image, (height // scale, width // scale), flavour)


def upscale(image: Pixels, scale: int, flavour: Flavour = "matlab") -> Pixels:
    """Enlarge a uint8 HWC image by an integer factor, rounded to uint8."""
    height, width = image.shape[:2]
    return resize(image, (height * scale, width * scale), flavour)


def resize(image: Pixels, size: tuple[int, int], flavour: Flavour = "matlab") -> Pixels:
    """Resize an image, HW or HWC, to `size` = (height, width), rounded to its own dtype.

    Args:
        image: uint8; for ``matlab`` also uint16.
    """
    if flavour == "pillow" and image.ndim == 3 and image.shape[2] == 1:
        return resize(image[:, :, 0], size, flavour)[:, :, None]
    if flavour == "pillow":
        return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BICUBIC))
    return _resample(image, _taps(image.shape[0], size[0]), _taps(image.shape[1], size[1]))


def enlarge(image: Pixels, scale: int, rows: Span | None = None, columns: Span | None = None) -> Pixels:
    """The part [rows) x [columns) of ``resize(image, (H * scale, W * scale), "matlab")``, from the pixels it needs.

    Args:
        image: HW or HWC, uint8 or uint16.
        rows, columns: first and past-the-last output pixel; the whole side by default.

    Returns:
        The same dtype, (rows, columns[, C]).
    """
    part = slice(*(rows or (0, image.shape[0] * scale))), slice(*(columns or (0, image.shape[1] * scale)))
    if scale == 1:
        return image[part]
    along = [_taps(side, side * scale) for side in image.shape[:2]]
    upright, across = (
        (indices[span], weights[span]) for (indices, weights), span in zip(along, part, strict=True)
    )
    first = int(across[0].min())
    needed = image[:, first : int(across[0].max()) + 1]
    return _resample(needed, upright, (across[0] - first, across[1]))


def _resample(image: Pixels, rows: Taps, columns: Taps) -> Pixels:
    upright = _along_rows(image, rows)
    return np.ascontiguousarray(_along_rows(upright.swapaxes(0, 1), columns).swapaxes(0, 1))


def _along_rows(image: Pixels, taps: Taps) -> Pixels:
    """The weighted sums of the rows that `taps` name, rounded half up."""
    indices, weights = taps
    shape = (-1, *([1] * (image.ndim - 1)))
    result = np.zeros((len(indices), *image.shape[1:]), np.float32)
    for tap in range(indices.shape[1]):
        result += weights[:, tap].reshape(shape) * image[indices[:, tap]]
    np.floor(result + np.float32(0.5), out=result)
    np.clip(result, 0, np.iinfo(image.dtype).max, out=result)
    return result.astype(image.dtype)


@functools.lru_cache(maxsize=64)
def _taps(size: int, out: int) -> Taps:
    """Source indices and weights per output position, both (out, taps)."""
    scale = out / size
    shrink = min(scale, 1.0)
    support = 4.0 / shrink
    centres = (np.arange(out) + 1) / scale + 0.5 * (1 - 1 / scale) - 1
    first = np.floor(centres - support / 2).astype(np.intp)
    indices = first[:, None] + np.arange(math.ceil(support) + 2)
    weights = shrink * _keys(shrink * (centres[:, None] - indices))
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.any(weights != 0, axis=0)
    mirrored = np.mod(indices, 2 * size)
    mirrored = np.where(mirrored >= size, 2 * size - 1 - mirrored, mirrored)
    return mirrored[:, used], weights[:, used].astype(np.float32)


def _keys(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Keys' cubic convolution kernel with a = -0.5."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
