"""Calibrated constants in place of what a network reads of the whole image.

A network that normalises by the image's own statistics needs the whole image before its first output pixel. With
constants, taken from calibration images, it is a plain convolution network: it runs in one pass and tiles are exact.
What that costs in quality is measured by ``benchmarks/whole_picture.py``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from edgeir.core.errors import ExportError
from edgeir.core.moments import Accumulator, Moments, settled
from edgeir.models.base import Network
from edgeir.models.blocks.global_statistics import Stages, readers

__all__ = ["calibrate", "with_constants"]


def calibrate(network: Network, images: Iterable[NDArray[np.float32]]) -> tuple[Moments, ...]:
    """The statistics of all pixels of all `images`, as if these were one large image.

    Each stage is measured with the constants of those before it, as the constant network will see it; where they
    only scale features, all at once until they no longer change. The variance so includes how images differ from
    each other.

    Args:
        images: (H, W, 3) float32 network inputs in [0, 1]; they are read once per pass, so no iterator.

    Returns:
        One entry per reader, in forward order.

    Raises:
        ExportError: the network reads no statistics that can be constant, or others as well.
    """
    _replaceable(network)
    network = copy.deepcopy(network).eval()
    stages = Stages(network)
    with torch.inference_mode():
        return (_all_at_once if stages.weigh else _stage_by_stage)(stages, images)


def _stage_by_stage(stages: Stages, images: Iterable[NDArray[np.float32]]) -> tuple[Moments, ...]:
    known: list[Moments] = []
    for _ in range(len(stages)):
        total = Accumulator()
        for image in images:
            total.add(stages.input(_tensor(image), known)[0].permute(1, 2, 0).numpy())
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
        if settled(before, known):
            break
    return known


def _tensor(image: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))[None])


def with_constants(network: Network, statistics: Iterable[Moments]) -> Network:
    """A copy of `network` that uses these statistics for every image; its `deploy()` folds them where it can.

    Args:
        statistics: one entry per reader, in forward order.

    Raises:
        ExportError: constants cannot stand in for all that the network reads, or another number of them is given.
    """
    statistics = tuple(statistics)
    _replaceable(network)
    result = copy.deepcopy(network)
    found = readers(result)
    if len(found) != len(statistics):
        raise ExportError(f"the network reads statistics in {len(found)} places, {len(statistics)} are given")
    for reader, moments in zip(found, statistics, strict=True):
        reader.give(moments)
    result.constants = True
    return result


def _replaceable(network: Network) -> None:
    """Raise `ExportError` unless constants can stand in for all that the network reads of the whole image."""
    gone = {reader.operation for reader in readers(network)}
    others = ", ".join(name for name in network.facts.global_operations if name not in gone)
    if gone and not others:
        return
    raise ExportError(
        f"no constants can stand in for the network's global operations ({others})"
        if others
        else "the network reads nothing of the whole image that could be constant",
        fix="export it with `--statistics picture`",
    )
