"""Calibrated constants in place of a network's global statistics.

A network that normalises by the image's own statistics needs the whole image before its first output pixel. With
constants, taken from calibration images, it is a plain convolution network: it runs in one pass and tiled output is
exact. The cost in quality is measured by ``benchmarks/global_statistics.py``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.core.moments import Accumulator, Moments, converged
from edgeir.models.base import Network
from edgeir.models.blocks.global_statistics import Stages, statistics_layers

__all__ = ["calibrate", "with_constants"]


def calibrate(network: Network, images: Iterable[NDArray[np.float32]]) -> tuple[Moments, ...]:
    """The statistics of all pixels of all `images`, as if these were one large image.

    Each stage is measured with the constants of the stages before it, as in the constant network. Where statistics
    only scale features, all stages are measured in one pass, which is repeated until they converge. The variance
    includes the differences between images.

    Args:
        images: (H, W, 3) float32 network inputs in [0, 1]; iterated once per pass, so a list, not an iterator.

    Returns:
        One entry per statistics layer, in forward order.

    Raises:
        ExportError: the network has no global statistics, or reads the whole image in other ways too.
    """
    _replaceable(network)
    network = copy.deepcopy(network).eval()
    stages = Stages(network)
    with torch.inference_mode():
        return (_all_at_once if stages.only_scale else _stage_by_stage)(stages, images)


def _stage_by_stage(stages: Stages, images: Iterable[NDArray[np.float32]]) -> tuple[Moments, ...]:
    known: list[Moments] = []
    for _ in range(len(stages)):
        total = Accumulator()
        for image in images:
            total.add(stages.next_input(_tensor(image), known)[0].permute(1, 2, 0).numpy())
        known.append(total.moments())
    return tuple(known)


def _all_at_once(stages: Stages, images: Iterable[NDArray[np.float32]]) -> tuple[Moments, ...]:
    known: tuple[Moments, ...] = ()
    everything = slice(None)
    for _ in range(len(stages)):
        totals = [Accumulator() for _ in range(len(stages))]
        for image in images:
            parts = stages.all_inputs(_tensor(image), known, everything, everything)
            for total, part in zip(totals, parts, strict=True):
                total.merge(part)
        before, known = known, tuple(total.moments() for total in totals)
        if converged(before, known):
            break
    return known


def _tensor(image: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None])


def with_constants(network: Network, statistics: Iterable[Moments]) -> Network:
    """A copy of `network` that uses these statistics for every image; its `deploy()` folds them where it can.

    Args:
        statistics: one entry per statistics layer, in forward order.

    Raises:
        ExportError: not all of the network's global operations can be constant, or the number of entries is wrong.
    """
    statistics = tuple(statistics)
    _replaceable(network)
    result = copy.deepcopy(network)
    layers = statistics_layers(result)
    if len(layers) != len(statistics):
        raise ExportError(
            f"the network has {len(layers)} layers with global statistics, not {len(statistics)}"
        )
    for layer, moments in zip(layers, statistics, strict=True):
        layer.set_statistics(moments)
    result.constants = True
    return result


def _replaceable(network: Network) -> None:
    """Raise `ExportError` unless all of the network's global operations can be made constant."""
    replaced = {layer.operation for layer in statistics_layers(network)}
    others = ", ".join(name for name in network.facts.global_operations if name not in replaced)
    if replaced and not others:
        return
    raise ExportError(
        f"these global operations of the network cannot be made constant: {others}"
        if others
        else "the network has no global statistics that could be made constant",
        fix="export it with `--statistics image`",
    )
