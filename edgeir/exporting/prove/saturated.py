"""Synthetic images of saturated colours with their truth: how much worse a file restores them than its network.

The means of `edgeir.exporting.prove.extremes` do not see an error that changes its sign from pixel to pixel. So such
images are also degraded as photographs are, restored by both, and compared with the truth. A network that restores a
flat colour to within a level would lose many decibels by a difference that no one sees, so that a PSNR above
`ENOUGH_DB` counts as that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.data.degrade import AnyDegradation
from edgeir.data.degrade.base import to_bytes
from edgeir.data.sources.base import ImageRef
from edgeir.exporting.prove.images import Patch, patches
from edgeir.manifest.facts import NetworkFacts
from edgeir.metrics.psnr import unrounded_psnr

__all__ = ["ENOUGH_DB", "compare_saturated", "saturated"]

ENOUGH_DB = 36.7
"""Where a further error of one level of 255 (RMS), the step of an 8-bit image, costs 0.3 dB; it costs more above."""
_FLAT = {
    "red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "cyan": (0, 1, 1), "magenta": (1, 0, 1),
    "yellow": (1, 1, 0), "gray": (0.5, 0.5, 0.5),
}  # fmt: skip
_SEED = 31
Plane = NDArray[np.floating[Any]]
Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class _Given:
    """An image as a source would give it."""

    pixels: NDArray[np.uint8]

    def load(self) -> NDArray[np.uint8]:
        return self.pixels


def saturated(facts: NetworkFacts, degradation: AnyDegradation | None, size: tuple[int, int]) -> list[Patch]:
    """Flat colours, checkers and rectangles, degraded; none for a network whose degradation is not known.

    Args:
        size: height and width of the network's input.
    """
    if degradation is None:
        return []
    height, width = (side * facts.net_scale for side in size)
    refs = [
        ImageRef(name, name, _Given(to_bytes(image.astype(np.float32))).load)
        for name, image in _images(height, width).items()
    ]
    return list(patches(refs, facts, degradation, size, per_image=1, seed=_SEED))


def compare_saturated(file: Run, network: Run, images: Iterable[Patch]) -> tuple[float | None, str | None]:
    """The most that the file loses on one of them in dB, and its name; None where there is none."""
    lost = {
        patch.name: _psnr(network(patch.input), patch.truth) - _psnr(file(patch.input), patch.truth)
        for patch in images
    }
    if not lost:
        return None, None
    name = max(lost, key=lambda each: lost[each])
    return lost[name], name


def _psnr(image: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    return min(ENOUGH_DB, unrounded_psnr(image, truth))


def _images(height: int, width: int) -> dict[str, Plane]:
    rows, columns = np.mgrid[:height, :width]
    ones = np.ones((height, width, 1))
    images: dict[str, Plane] = {f"flat {name}": ones * np.array(colour) for name, colour in _FLAT.items()}
    for name, cell, first in (("red and cyan", 12, (1, 0, 0)), ("blue and yellow", 20, (0, 0, 1))):
        share = ((rows // cell + columns // cell) % 2)[..., None]
        images[f"checkers of {name}"] = share * np.array(first) + (1 - share) * (1 - np.array(first))
    images["rectangles"] = _rectangles(height, width)
    return images


def _rectangles(height: int, width: int) -> Plane:
    rng = np.random.default_rng(_SEED)
    image = np.zeros((height, width, 3))
    for _ in range(50):
        top, left = int(rng.integers(height)), int(rng.integers(width))
        tall, wide = (max(2, int(rng.integers(1, side) // 3)) for side in (height, width))
        image[top : top + tall, left : left + wide] = rng.integers(0, 2, 3)
    return image
