"""Bicubic resizing in the two flavours that super-resolution papers and challenges use.

- ``matlab``: MATLAB's ``imresize`` (Keys' kernel with a = -0.5, widened by the scale when shrinking, symmetric
  border, normalised weights, rows then columns, a uint8 image rounded to uint8 after **each** direction). The papers.
- ``pillow``: ``PIL.Image.resize(..., BICUBIC)``, which PIRM 2018 used. It differs by 0.01-0.09 dB.
"""

from __future__ import annotations

import functools
import math
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import Field

from edgeir.core.errors import DataError
from edgeir.data.degrade.base import Degradation

__all__ = ["Bicubic", "Flavour", "downscale", "resize", "upscale"]

Flavour = Literal["matlab", "pillow"]
Pixels = npt.NDArray[np.uint8]


class Bicubic(Degradation):
    """Shrink by `scale` with bicubic interpolation: the standard super-resolution degradation."""

    kind: Literal["bicubic"] = "bicubic"
    scale: int = Field(4, ge=2, le=4)
    """Pixels of the original per pixel of the result, per side."""
    flavour: Flavour = "matlab"

    @property
    def random(self) -> bool:
        return False

    @property
    def enlargement(self) -> Flavour:
        return self.flavour

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        return downscale(image, self.scale, self.flavour)


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
    """Resize a uint8 image, HW or HWC, to `size` = (height, width), rounded to uint8."""
    if flavour == "pillow" and image.ndim == 3 and image.shape[2] == 1:
        return resize(image[:, :, 0], size, flavour)[:, :, None]
    if flavour == "pillow":
        return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BICUBIC))
    rows = _round(_resize_rows(image, size[0]))
    return np.ascontiguousarray(_round(_resize_rows(rows.swapaxes(0, 1), size[1])).swapaxes(0, 1))


def _round(values: npt.NDArray[np.float32]) -> Pixels:
    rounded: Pixels = np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
    return rounded


def _resize_rows(image: Pixels, out: int) -> npt.NDArray[np.float32]:
    indices, weights = _taps(image.shape[0], out)
    shape = (out, *([1] * (image.ndim - 1)))
    result = np.zeros((out, *image.shape[1:]), np.float32)
    for tap in range(indices.shape[1]):
        result += weights[:, tap].reshape(shape) * image[indices[:, tap]]
    return result


@functools.lru_cache(maxsize=256)
def _taps(size: int, out: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float32]]:
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
