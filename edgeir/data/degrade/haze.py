"""Haze by the atmospheric scattering model, I = J t + A (1 - t) with t = exp(-beta depth) (AOD-Net, STFT, PPDN)."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from edgeir.data.degrade.base import Pixels, Range, SameSize, at_most, draw, to_bytes, to_unit

__all__ = ["Haze", "add_haze"]

Floats = npt.NDArray[np.float32]


class Haze(SameSize):
    """Haze on photographs that come without depth: a tilted plane with smooth bumps, drawn per image, stands in.

    Sets with measured depth (NYU2) call `add_haze` with theirs.
    """

    kind: Literal["haze"] = "haze"
    beta: Annotated[Range, at_most(100)] = (0.4, 1.6)
    """Scattering per unit of depth (depth is scaled to [0, 1]), or a range. AOD-Net: 0.4 to 1.6."""
    airlight: Annotated[Range, at_most(1)] = (0.6, 1.0)
    """Brightness A of the haze on [0, 1], or a range; gray. AOD-Net: 0.6 to 1."""

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        beta, airlight = draw(self.beta, rng), draw(self.airlight, rng)
        return to_bytes(add_haze(to_unit(image), _depth(image.shape[0], image.shape[1], rng), beta, airlight))


def add_haze(image: Floats, depth: Floats, beta: float, airlight: float) -> Floats:
    """(H, W, 3) and (H, W) to the hazy (H, W, 3), all float32; the image on [0, 1]."""
    transmission = np.exp(-np.float32(beta) * depth)[:, :, None]
    hazy: Floats = image * transmission + np.float32(airlight) * (1 - transmission)
    return hazy


def _depth(height: int, width: int, rng: np.random.Generator) -> Floats:
    """A scene in [0, 1]: farther towards the top, with bumps an eighth of the image wide."""
    tilt = rng.uniform(-0.5, 0.5)
    bumps = rng.standard_normal((8, 8))
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    plane = 1 - rows / max(1, height - 1) + tilt * columns / max(1, width - 1)
    smooth = ndimage.zoom(bumps, (height / 8, width / 8), order=3, mode="nearest", grid_mode=True)
    depth = plane + 0.15 * smooth[:height, :width]
    low, high = depth.min(), depth.max()
    unit: Floats = ((depth - low) / max(high - low, 1e-6)).astype(np.float32)
    return unit
