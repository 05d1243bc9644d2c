"""JPEG compression through a real codec (libjpeg, in Pillow): the blocks and ringing that a phone's files have."""

from __future__ import annotations

import io
from typing import Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import AfterValidator, Field

from edgeir.data.degrade.base import Degradation, Pixels

__all__ = ["JPEG", "compress"]

Subsampling = Literal["4:4:4", "4:2:0"]
_Quality = Annotated[int, Field(ge=1, le=100)]


def _ordered(value: int | tuple[int, int]) -> int | tuple[int, int]:
    if isinstance(value, tuple) and value[0] > value[1]:
        raise ValueError(f"the range begins at {value[0]}, above its end {value[1]}")
    return value


class JPEG(Degradation):
    """Compress and decompress.

    The 8x8 grid begins at the corner of the image it is given; patches are compressed on their own, so that the grid's
    position relative to the picture varies, as it does in pictures that were cropped.
    """

    kind: Literal["jpeg"] = "jpeg"
    quality: Annotated[_Quality | tuple[_Quality, _Quality], AfterValidator(_ordered)] = 10
    """libjpeg's quality, or a range of whole numbers with both ends (drawn per image)."""
    subsampling: Subsampling = "4:2:0"
    gray: bool = False
    """Compress the luma alone, as the grayscale benchmarks (Classic5, LIVE1 on Y) do."""

    @property
    def scale(self) -> int:
        """Pixels of the original per pixel of the result, per side."""
        return 1

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        low, high = self.quality if isinstance(self.quality, tuple) else (self.quality, self.quality)
        return compress(image, int(rng.integers(low, high + 1)), self.subsampling, gray=self.gray)


def compress(
    image: Pixels, quality: int, subsampling: Subsampling = "4:2:0", *, gray: bool = False
) -> Pixels:
    """One trip through libjpeg: (H, W, 3) uint8 in and out."""
    picture = Image.fromarray(image)
    stream = io.BytesIO()
    (picture.convert("L") if gray else picture).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    stream.seek(0)
    with Image.open(stream) as decoded:
        return np.asarray(decoded.convert("RGB"))
