"""JPEG compression through a real codec (libjpeg, in Pillow): the blocks and ringing that a phone's files have."""

from __future__ import annotations

import io
from typing import Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import AfterValidator, Field

from edgeir.data.degrade.base import Pixels, SameSize, ordered

__all__ = ["JPEG", "Quality", "compress", "draw_quality"]

Subsampling = Literal["4:4:4", "4:2:0"]
_Quality = Annotated[int, Field(ge=1, le=100)]


Quality = Annotated[_Quality | tuple[_Quality, _Quality], AfterValidator(ordered)]
"""libjpeg's quality, or a range of whole numbers with both ends, from which each sample draws."""


class JPEG(SameSize):
    """Compress and decompress.

    The 8x8 grid begins at the corner of the image it is given (patches are compressed on their own), as in a file that
    a camera or a messenger wrote; `shifted` is for what was cropped afterwards.
    """

    kind: Literal["jpeg"] = "jpeg"
    quality: Quality = 10
    subsampling: Subsampling = "4:2:0"
    gray: bool = False
    """Compress the luma alone, as the grayscale benchmarks (Classic5, LIVE1 on Y) do."""
    shifted: float = Field(0.0, ge=0, le=1)
    """Share of the images whose grid begins anywhere else, as it does in an image that was cropped since."""

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        quality = draw_quality(self.quality, rng)
        if not self.shifted or rng.random() >= self.shifted:
            return compress(image, quality, self.subsampling, gray=self.gray)
        above, left = (int(rng.integers(8)) for _ in range(2))
        whole = np.pad(image, ((above, 0), (left, 0), (0, 0)), mode="edge")
        return compress(whole, quality, self.subsampling, gray=self.gray)[above:, left:]


def draw_quality(quality: int | tuple[int, int], rng: np.random.Generator) -> int:
    """The quality, or one from its range."""
    low, high = quality if isinstance(quality, tuple) else (quality, quality)
    return int(rng.integers(low, high + 1))


def compress(
    image: Pixels, quality: int, subsampling: Subsampling = "4:2:0", *, gray: bool = False
) -> Pixels:
    """One trip through libjpeg: (H, W, 3) or (H, W, 1) uint8 in and out."""
    plain = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    stream = io.BytesIO()
    (plain.convert("L") if gray else plain).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    stream.seek(0)
    with Image.open(stream) as decoded:
        pixels = np.asarray(decoded.convert("L" if image.shape[2] == 1 else "RGB"))
    return pixels.reshape(image.shape)
