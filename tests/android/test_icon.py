"""Icons of any image: every density, square, not distorted, inside the masks of launchers."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeir.android.icon import DENSITIES, icon_files, read_icon
from edgeir.core.errors import ImageError

SIZES = {
    "mdpi": (48, 108),
    "hdpi": (72, 162),
    "xhdpi": (96, 216),
    "xxhdpi": (144, 324),
    "xxxhdpi": (192, 432),
}
"""Android's documentation: of the icon and of a layer of an adaptive icon."""


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    assert image.mode == "RGBA"
    return image


@pytest.mark.parametrize(
    ("mode", "size"),
    [("RGB", (512, 512)), ("RGBA", (40, 90)), ("L", (1, 1)), ("P", (33, 7)), ("RGB", (2000, 3))],
)
def test_every_density_has_its_size(mode: str, size: tuple[int, int], tmp_path: Path) -> None:
    Image.new(mode, size).save(tmp_path / "icon.png")
    files = icon_files(read_icon(tmp_path / "icon.png"))
    assert set(DENSITIES) == set(SIZES)
    assert len(files) == 2 * len(SIZES) + 1
    for density, (small, layer) in SIZES.items():
        assert opened(files[f"mipmap-{density}/ic_launcher.png"]).size == (small, small)
        assert opened(files[f"mipmap-{density}/ic_launcher_image.png"]).size == (layer, layer)


def test_an_opaque_square_fills_what_launchers_show_and_its_rim_is_the_background(tmp_path: Path) -> None:
    pixels = np.full((64, 64, 3), (200, 100, 50), np.uint8)
    pixels[20:40, 20:40] = 0
    Image.fromarray(pixels).save(tmp_path / "icon.png")
    files = icon_files(read_icon(tmp_path / "icon.png"))
    assert b'android:color="#c86432"' in files["mipmap-anydpi-v26/ic_launcher.xml"]
    alpha = np.array(opened(files["mipmap-xxxhdpi/ic_launcher_image.png"]))[:, :, 3]
    rows, columns = np.nonzero(alpha)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (72, 359, 72, 359)  # 72 dp of 108


def test_what_is_transparent_stays_inside_every_mask(tmp_path: Path) -> None:
    Image.new("RGBA", (300, 100), (10, 20, 30, 128)).save(tmp_path / "icon.png")
    files = icon_files(read_icon(tmp_path / "icon.png"))
    assert b'android:color="#ffffff"' in files["mipmap-anydpi-v26/ic_launcher.xml"]
    layer = np.array(opened(files["mipmap-xxxhdpi/ic_launcher_image.png"]))
    rows, columns = np.nonzero(layer[:, :, 3])
    assert np.hypot(rows - 215.5, columns - 215.5).max() <= 33 * 4  # the circle of 66 dp
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert abs(width / height - 3) < 0.1


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "icon.png").write_text("not an image")
    with pytest.raises(ImageError, match="icon.png"):
        read_icon(tmp_path / "icon.png")
    with pytest.raises(ImageError, match="no such file"):
        read_icon(tmp_path / "none.png")
