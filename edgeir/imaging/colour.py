"""Conversion of other colour spaces to sRGB: CMYK, CIE L*a*b*, YCbCr, palettes."""

from __future__ import annotations

import contextlib
import functools
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

__all__ = ["cmyk_to_rgb", "lab_to_rgb", "palette_colours", "ycbcr_to_rgb"]

_ROWS = 256


def cmyk_to_rgb(ink: NDArray[Any], icc: bytes | None) -> NDArray[Any]:
    """(H, W, 4) uint8 or uint16, 0 is no ink, to sRGB of the same depth; by the profile, or without one by the
    product of what the inks let through.
    """
    if icc and icc[16:20] == b"CMYK":
        with contextlib.suppress(Exception):  # a profile that the colour engine rejects counts as missing
            return _by_profile(ink, icc)
    if ink.dtype == np.uint8:
        return np.asarray(Image.fromarray(ink, "CMYK").convert("RGB"))
    result = np.empty((*ink.shape[:2], 3), np.uint16)
    for top in range(0, len(ink), _ROWS):
        clear = 65535 - ink[top : top + _ROWS].astype(np.uint64)
        result[top : top + _ROWS] = (clear[:, :, :3] * clear[:, :, 3:] + 32767) // 65535
    return result


def _by_profile(ink: NDArray[Any], icc: bytes) -> NDArray[Any]:
    if ink.dtype == np.uint8:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        target = ImageCms.createProfile("sRGB")
        image = Image.fromarray(ink, "CMYK")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        assert converted is not None  # it is None only for `inPlace`
        return np.asarray(converted)
    import imagecodecs  # slow to load; Pillow's colour engine is limited to 8 bits

    return np.asarray(
        imagecodecs.cms_transform(
            np.ascontiguousarray(ink),
            icc,
            imagecodecs.cms_profile("srgb"),
            colorspace="cmyk",
            outcolorspace="rgb",
            outdtype="uint16",
        )
    )


def lab_to_rgb(lab: NDArray[np.float32], dtype: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
    """(H, W, 3) L* on 0..100 and a*, b* relative to D50, to sRGB of `dtype`, uint8 or uint16."""
    import imagecodecs  # slow to load, rarely needed

    result = np.empty(lab.shape, dtype)
    source, target = _lab_profiles()
    for top in range(0, len(lab), _ROWS):
        rows = np.ascontiguousarray(lab[top : top + _ROWS], np.float32)
        result[top : top + _ROWS] = imagecodecs.cms_transform(
            rows, source, target, colorspace="lab", outcolorspace="rgb", outdtype=np.dtype(dtype).name
        ).reshape(rows.shape)
    return result


@functools.cache
def _lab_profiles() -> tuple[bytes, bytes]:
    import imagecodecs

    return imagecodecs.cms_profile("lab4"), imagecodecs.cms_profile("srgb")


def ycbcr_to_rgb(
    samples: NDArray[Any], weights: tuple[float, float, float], ranges: tuple[float, ...]
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 YCbCr without subsampling to RGB.

    Args:
        weights: luma's weights of R, G and B.
        ranges: code of black and white for Y, then of zero and the maximum for Cb and Cr
            (TIFF's ReferenceBlackWhite).
    """
    red, green, blue = weights
    result = np.empty(samples.shape, np.uint8)
    for top in range(0, len(samples), _ROWS):
        rows = samples[top : top + _ROWS].astype(np.float64)
        y, cb, cr = (
            (rows[:, :, index] - ranges[2 * index]) * full / (ranges[2 * index + 1] - ranges[2 * index])
            for index, full in enumerate((255, 127, 127))
        )
        r, b = y + cr * (2 - 2 * red), y + cb * (2 - 2 * blue)
        g = (y - red * r - blue * b) / green
        result[top : top + _ROWS] = np.rint(np.clip(np.stack([r, g, b], axis=2), 0, 255))
    return result


def palette_colours(table: NDArray[np.uint16]) -> NDArray[Any]:
    """The (N, 3) colours of a TIFF's ColorMap: uint8 where it holds 8-bit colours, else uint16.

    8-bit colours are written as ``257 v`` or as ``256 v``, or, by old programs, as ``v`` itself (libtiff reads a map
    without any value over 255 so too).
    """
    high, low = table >> 8, table & 255
    if not high.any():
        return table.astype(np.uint8)
    if np.array_equal(low, high) or not low.any():
        return high.astype(np.uint8)
    return table
