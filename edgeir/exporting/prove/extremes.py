"""Synthetic network inputs with extreme values.

Photographs seldom have a saturated channel over their whole area, so that a file whose integer ranges are too narrow
for bright or saturated areas can still pass on photographs. These inputs consist of such areas only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["extremes"]

_FLAT = {
    "black": (0, 0, 0), "white": (1, 1, 1), "gray": (0.5, 0.5, 0.5), "red": (1, 0, 0), "green": (0, 1, 0),
    "blue": (0, 0, 1), "cyan": (0, 1, 1), "magenta": (1, 0, 1), "yellow": (1, 1, 0),
}  # fmt: skip
_SEED = 5


def extremes(height: int, width: int, channels: int) -> dict[str, NDArray[np.float32]]:
    """Name to input, (height, width, channels) float32 in [0, 1], rounded to 8 bits as the pixels of a file are.

    Flat images of the primaries and their mixtures, a ramp over all levels of gray and of each primary, one-pixel
    stripes and noise. A network of one channel gets those that differ in gray.
    """
    ones = np.ones((height, width, 1), np.float32)
    ramp = ones * np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    stripes = ones * (np.arange(width) % 2)[None, :, None].astype(np.float32)
    noise = np.random.default_rng(_SEED).random((height, width, 3), dtype=np.float32)
    inputs = {name: ones * np.array(colour, np.float32) for name, colour in _FLAT.items()}
    inputs["ramp"] = ramp.repeat(3, axis=2)
    for name in ("red", "green", "blue"):
        inputs[f"{name} ramp"] = ramp * np.array(_FLAT[name], np.float32)
    inputs["stripes"], inputs["noise"] = stripes.repeat(3, axis=2), noise
    if channels == 1:
        names = ("black", "white", "gray", "ramp", "stripes", "noise")
        inputs = {name: inputs[name][:, :, :1] for name in names}
    return {name: np.rint(image * 255).astype(np.float32) / np.float32(255) for name, image in inputs.items()}
