"""An image as an app's launcher icon: one PNG for each screen density, and the adaptive icon of Android 8 and newer.

Sizes are those of Android's documentation: 48 dp for the icon, 108 dp for a layer of an adaptive icon, of which masks
show the inner 72 dp, and always the circle of 66 dp. An opaque square fills the 72 dp; what is transparent or not
square is fitted into the circle, on white.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeir.imaging.photo import Photo, to_8bit
from edgeir.imaging.read import read_photo

__all__ = ["DENSITIES", "Icon", "icon_files", "read_icon"]

DENSITIES = {"mdpi": 1.0, "hdpi": 1.5, "xhdpi": 2.0, "xxhdpi": 3.0, "xxxhdpi": 4.0}
"""Pixels of a dp."""
ICON_DP, LAYER_DP, SHOWN_DP, CIRCLE_DP = 48, 108, 72, 66
MOST_PIXELS = 50_000_000
WHITE = (255, 255, 255)
ADAPTIVE = """<?xml version="1.0" encoding="utf-8"?>
<adaptive-icon xmlns:android="http://schemas.android.com/apk/res/android">
    <background><color android:color="#{colour}" /></background>
    <foreground android:drawable="@mipmap/ic_launcher_image" />
</adaptive-icon>
"""


@dataclass(frozen=True)
class Icon:
    """An image to make icons of.

    Attributes:
        image: RGBA.
        background: 8-bit RGB behind it where the icon is adaptive.
        fills: it is opaque and square.
    """

    image: Image.Image
    background: tuple[int, int, int]
    fills: bool


def read_icon(path: Path) -> Icon:
    """Read any image that edgeir reads.

    Raises:
        ImageError: it cannot be read, see `edgeir.imaging.read.read_photo`.
    """
    photo = read_photo(path, max_pixels=MOST_PIXELS)
    pixels = _rgba(photo)
    fills = photo.height == photo.width and not photo.transparent
    rim = np.concatenate([pixels[0, :, :3], pixels[-1, :, :3], pixels[:, 0, :3], pixels[:, -1, :3]])
    red, green, blue = (int(value) for value in np.rint(rim.mean(0)))
    return Icon(Image.fromarray(pixels), (red, green, blue) if fills else WHITE, fills)


def icon_files(icon: Icon) -> dict[str, bytes]:
    """The files of a resource folder, by their paths in it: ``mipmap-*/ic_launcher.png`` and what goes with them."""
    files = {"mipmap-anydpi-v26/ic_launcher.xml": _adaptive(icon.background)}
    box = SHOWN_DP if icon.fills else _square_in(CIRCLE_DP)
    for density, factor in DENSITIES.items():
        files[f"mipmap-{density}/ic_launcher.png"] = _png(_fitted(icon.image, ICON_DP, ICON_DP, factor))
        layer = _fitted(icon.image, LAYER_DP, box, factor)
        files[f"mipmap-{density}/ic_launcher_image.png"] = _png(layer)
    return files


def _adaptive(background: tuple[int, int, int]) -> bytes:
    return ADAPTIVE.format(colour="".join(f"{value:02x}" for value in background)).encode()


def _square_in(diameter: int) -> float:
    """The side of a circle's inner square."""
    return diameter / 2**0.5


def _fitted(image: Image.Image, canvas_dp: float, box_dp: float, factor: float) -> Image.Image:
    """The image in the middle of a transparent square, as large as the box allows."""
    side, box = round(canvas_dp * factor), box_dp * factor
    scale = box / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.resize(size, Image.Resampling.LANCZOS)
    canvas = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    canvas.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
    return canvas


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _rgba(photo: Photo) -> NDArray[np.uint8]:
    pixels = to_8bit(photo.pixels)
    colours = pixels.repeat(3, axis=2) if photo.gray else pixels
    alpha = np.full(colours.shape[:2], 255, np.uint8) if photo.alpha is None else to_8bit(photo.alpha)
    return np.dstack([colours, alpha])
