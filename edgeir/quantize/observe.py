"""The ranges of a network's rounded tensors, from what its float form computes on calibration images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from edgeir.quantize.observers import BINS, Observation
from edgeir.quantize.ranges import RangeRule, activation_range

if TYPE_CHECKING:
    from edgeir.quantize.network import FakeQuantized

__all__ = ["observed_ranges"]


def observed_ranges(
    network: FakeQuantized, images: torch.Tensor, rule: RangeRule
) -> dict[int, tuple[float, float]]:
    """Number of each range to its ends; `images` are (N, C, H, W) in [0, 1]."""
    seen: dict[int, Observation] = {}
    for counting in (False, True):  # the second pass fills the histograms between the limits of the first
        for image in torch.split(images, 1):
            for name, value in network.values(image).items():
                _observe(seen, network.points.group[name], value, counting=counting)
    return {group: activation_range(observation, rule) for group, observation in seen.items()}


def _observe(seen: dict[int, Observation], group: int, value: torch.Tensor, *, counting: bool) -> None:
    array = value.numpy()
    if counting:
        seen[group].counts += np.histogram(array, BINS, seen[group].limits)[0]
        return
    low, high = float(array.min()), float(array.max())
    if group in seen:
        seen[group].follow(low, high)
    else:
        seen[group] = Observation(low, high, np.zeros(0), np.zeros(0), np.zeros(BINS))
