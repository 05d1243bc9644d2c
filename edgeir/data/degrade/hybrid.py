"""Mixed distortions: blur, then noise, then JPEG, by the protocol of RL-Restore that FDR-Net follows.

Each distortion has ten bins of strength; a combination (i, j, k) of bins has the level i + j + k - 2 with bins counted
from 1 (so 1 to 28). *Mild* are the levels 9 to 11, *moderate* 12 to 17, *severe* 18 to 20: 163, 434 and 163
combinations. Networks train on moderate alone. FDR-Net's text gives blur up to sigma 10; the protocol's own generator,
which is followed here, goes to 5.
"""

from __future__ import annotations

import functools
import itertools
from typing import Literal

import numpy as np

from edgeir.data.degrade.base import Pixels, SameSize, to_unit
from edgeir.data.degrade.blur_noise_jpeg import KERNEL_SIZE, apply_blur_noise_jpeg

__all__ = ["BLUR_EDGES", "NOISE_EDGES", "QUALITY_EDGES", "Hybrid", "combinations"]

Level = Literal["mild", "moderate", "severe"]
_LEVELS: dict[Level, tuple[int, int]] = {"mild": (9, 11), "moderate": (12, 17), "severe": (18, 20)}
BLUR_EDGES = np.arange(0, 5.01, 0.5)
NOISE_EDGES = np.arange(0, 50.01, 5)
QUALITY_EDGES = np.array([100, 80, 60, 50, 40, 35, 30, 25, 20, 15, 10])


class Hybrid(SameSize):
    """One of the level's combinations, uniformly; inside each bin the strength is uniform too."""

    kind: Literal["hybrid"] = "hybrid"
    level: Level = "moderate"

    @property
    def margin(self) -> int:
        return KERNEL_SIZE // 2

    def degrade(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        choices = combinations(self.level)
        bins = choices[int(rng.integers(len(choices)))]
        blur, noise, quality = (
            edges[index - 1] + rng.random() * (edges[index] - edges[index - 1])
            for edges, index in zip((BLUR_EDGES, NOISE_EDGES, QUALITY_EDGES), bins, strict=True)
        )
        return apply_blur_noise_jpeg(to_unit(image), float(blur), float(noise), round(float(quality)), rng)


@functools.cache
def combinations(level: Level) -> tuple[tuple[int, int, int], ...]:
    """Bins (blur, noise, JPEG) of a level, each counted from 1."""
    low, high = _LEVELS[level]
    strengths = range(1, 11)
    return tuple(
        bins for bins in itertools.product(strengths, strengths, strengths) if low <= sum(bins) - 2 <= high
    )
