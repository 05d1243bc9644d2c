"""Synthetic inputs beside the photographs that set integer ranges: colours and grain that few photographs have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["with_synthetic"]

_SEED, _CELL = 11, 8
"""Seed of the synthetic inputs, and side of a patch of one colour. The proof uses other extremes."""
_GRAIN, _GRAINS = 0.75, 4
"""Contrast and number of inputs of noise with two values per pixel and colour. They keep stripes of one pixel, which no
calibration image has, within the gate and cost photographs 0.01 dB; whole contrast costs 0.06 to 0.08 (docs/LOG.md)."""


def with_synthetic(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, H, W, C) inputs in [0, 1], and noise, a patchwork of saturated colours, and the finest grain."""
    _, height, width, channels = inputs.shape
    rng = np.random.default_rng(_SEED)
    noise = rng.random((height, width, channels), dtype=np.float32)
    cells = rng.integers(0, 2, (-(-height // _CELL), -(-width // _CELL), channels)).astype(np.float32)
    patchwork = cells.repeat(_CELL, axis=0).repeat(_CELL, axis=1)[:height, :width]
    grain = 0.5 + _GRAIN * (rng.integers(0, 2, (_GRAINS, height, width, channels)) - 0.5)
    return np.concatenate([inputs, noise[None], patchwork[None], grain], dtype=np.float32)
