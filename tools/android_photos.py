"""Photos as phones write them, and what `edgeir.restore` makes of them: for the tests of the Android app.

`tools/android_data.py` calls it. ``photos/cases.json`` lists files, the arrays of their results, and whether a decoder
may round otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import edgeir
from edgeir.imaging.files import read_photo
from edgeir.restoring.image import restore_photo

P3 = [[0.68, 0.32, 1.0], [0.265, 0.69, 1.0], [0.15, 0.06, 1.0]]
D65 = [0.3127, 0.329, 1.0]
ORIENTATION, MAKE, GPS, EXIF, WIDTH, COMMENT = 0x0112, 0x010F, 0x8825, 0x8769, 0xA002, 0x9286


def write_photos(folder: Path, model: Path) -> None:
    """Write the photos, and restore them with `model`."""
    folder.mkdir()
    session = edgeir.load(model)
    cases = []
    for name, exact in _written(folder).items():
        result = restore_photo(read_photo(folder / name), session)
        planes = result.pixels if result.alpha is None else np.dstack([result.pixels, result.alpha])
        np.save(folder / f"{name}.npy", np.ascontiguousarray(planes))
        cases.append({"file": name, "result": f"{name}.npy", "exact": exact})
    session.close()
    (folder / "cases.json").write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


def _written(folder: Path) -> dict[str, bool]:
    """The photos by name; True: every decoder gives the same samples."""
    names: dict[str, bool] = {}

    def save(name: str, image: Image.Image, *, exact: bool, **options: Any) -> None:
        image.save(folder / name, **options)
        names[name] = exact

    colour = Image.fromarray(_smooth(61, 83, 3))
    for orientation in range(1, 9):
        save(
            f"turned-{orientation}.jpg", colour, exact=False, quality=92, exif=_exif(orientation, colour.size)
        )
    profile = imagecodecs.cms_profile("rgb", whitepoint=D65, primaries=[v for p in P3 for v in p], gamma=2.2)
    save("p3.png", colour, exact=True, icc_profile=bytes(profile))
    save("p3.jpg", colour, exact=False, quality=92, icc_profile=bytes(profile))
    save("gray.jpg", Image.fromarray(_smooth(50, 64, 1)[:, :, 0]), exact=False, quality=92)
    save("palette.png", colour.quantize(64), exact=True)
    save("lossless.webp", Image.fromarray(_smooth(40, 45, 4)), exact=True, lossless=True)
    return names


def _exif(orientation: int, size: tuple[int, int]) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE] = orientation, "A maker of phones"
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.5), 3: "E", 4: (13.0, 24.0, 17.8)})
    exif.get_ifd(EXIF).update(
        {WIDTH: size[0], WIDTH + 1: size[1], COMMENT: b"ASCII\0\0\0a comment that is kept"}
    )
    return exif


def _smooth(height: int, width: int, planes: int) -> NDArray[np.uint8]:
    """Waves, different in each plane, so that a turn or a swap of planes is seen."""
    y, x = np.mgrid[:height, :width]
    waves = [
        np.sin(x / (11 + 3 * plane) + plane) * np.cos(y / (17 - 2 * plane)) + x / width
        for plane in range(planes)
    ]
    result: NDArray[np.uint8] = np.clip(100 + 90 * np.stack(waves, 2), 0, 255).astype(np.uint8)
    return result
