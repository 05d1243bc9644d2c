"""Calibration sets that a careless user may have, made of photographs: for `calibration_study.py` and its tests.

Each is a folder of PNG files, as `edgeir export --calibration` takes it, or an array of ready network inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeir.data.sources.embedded import CALIBRATION_PHOTOS, embedded

__all__ = ["SETS", "calibration_set"]

Pixels = NDArray[np.uint8]


def _photographs() -> list[Pixels]:
    return [ref.load() for ref in embedded(CALIBRATION_PHOTOS)]


def _each(change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> list[Pixels]:
    return [
        np.clip(np.rint(change(photo.astype(np.float64))), 0, 255).astype(np.uint8)
        for photo in _photographs()
    ]


def _shrunk(width: int, height: int) -> list[Pixels]:
    return [np.asarray(Image.fromarray(photo).resize((width, height))) for photo in _photographs()]


def _flat(levels: tuple[int, ...]) -> list[Pixels]:
    return [np.full((256, 256, 3), level, np.uint8) for level in levels]


def _noise() -> list[Pixels]:
    rng = np.random.default_rng(3)
    return [rng.integers(0, 256, (256, 256, 3), dtype=np.uint8) for _ in range(3)]


def _tiny_inputs() -> Pixels:
    """48 ready inputs of 8x8, cut from the photographs at one pixel in four."""
    rng = np.random.default_rng(4)
    small = [photo[::4, ::4] for photo in _photographs()]
    crops = []
    for index in range(48):
        image = small[index % len(small)]
        top, left = (int(rng.integers(side - 8)) for side in image.shape[:2])
        crops.append(image[top : top + 8, left : left + 8])
    return np.stack(crops)


SETS: dict[str, Callable[[], list[Pixels] | Pixels]] = {
    "photographs": _photographs,
    "dark": lambda: _each(lambda photo: photo * 0.15),
    "black": lambda: _flat((0, 1, 2, 3)),
    "bright": lambda: _each(lambda photo: 217 + photo * 0.15),
    "gray": lambda: _each(lambda photo: photo.mean(2, keepdims=True).repeat(3, 2)),
    "one image": lambda: _photographs()[:1],
    "thumbnails": lambda: _shrunk(32, 24),
    "8x8 files": lambda: _shrunk(8, 8),
    "8x8 inputs": _tiny_inputs,
    "saturated": lambda: _each(lambda photo: np.where(photo > 127, 255.0, 0.0)),
    "noise only": _noise,
    "flat": lambda: _flat((64, 128, 192)),
}
"""Name to its images (a list: files of a folder; an array: ready network inputs, uint8)."""


def calibration_set(name: str, folder: Path) -> Path | Pixels:
    """What `edgeir.export(calibration=…)` is given; files are written into the empty `folder`."""
    images = SETS[name]()
    if isinstance(images, np.ndarray):
        return images
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index}.png")
    return folder
