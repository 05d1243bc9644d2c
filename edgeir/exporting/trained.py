"""What quantisation-aware training chose, found in a converted graph: ranges by values, layers by weights.

Converters rename, reorder and merge what they convert. What a tensor holds for one image stays, and so do the weights
of a layer (`edgeir.exporting.layers.fingerprint_of`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ConfigError, ExportError
from edgeir.exporting.layers import fingerprint_of
from edgeir.manifest.artifact import Statistics
from edgeir.quantize.plan import QuantizationPlan

if TYPE_CHECKING:
    from edgeir.quantize.network import FakeQuantized
    from edgeir.quantize.simulation import Layer

__all__ = ["check_trained", "probe", "same_reference", "trained_places", "trained_scales"]

_CLOSE = 1e-4
"""Largest difference of float values of one tensor, relative to its largest value: converters reorder sums."""
_SIDE = 24


def check_trained(trained: FakeQuantized, plan: QuantizationPlan, statistics: Statistics) -> None:
    """Refuse to export a network in integers by another plan than it was trained for, or with other statistics.

    Raises:
        ExportError: the plans differ, or constants are to replace the statistics that it was trained with.
    """
    if statistics == "constant":
        raise ExportError(
            "a network that was trained in integers keeps the statistics that it was trained with",
            fix="leave --statistics out, or export the network that it was fine-tuned from",
        )
    if plan != trained.settings.plan:
        raise ExportError(
            f"the checkpoint was trained for {trained.settings.plan.name}, not {plan.name}",
            fix=f"choose --precision {trained.settings.plan.name}, or export the network that it was fine-tuned from",
        )


def same_reference(trained: Any, network: Any, where: str) -> None:
    """Refuse a checkpoint of quantisation-aware training that was fine-tuned from another network.

    Raises:
        ConfigError: it was, or it was not trained in integers at all.
    """
    import torch

    if trained.quantization is None:
        raise ConfigError(
            ["the checkpoint was not trained in integers"], where=where, fix="train one with quant=int8"
        )
    ours, theirs = network.fused().state_dict(), trained.reference.state_dict()
    same = ours.keys() == theirs.keys() and all(
        torch.allclose(ours[key], theirs[key], rtol=1e-4, atol=1e-6) for key in ours
    )  # fusing branches into one kernel rounds
    if not same:
        raise ConfigError(
            ["the checkpoint was fine-tuned from another network than the one to export"], where=where
        )


def probe(trained: FakeQuantized, size: tuple[int, int] | None = None) -> NDArray[np.float32]:
    """A random image, (1, H, W, C), whose values tell tensors apart."""
    unit = trained.facts.size_multiple
    height, width = size or (-(-_SIDE // unit) * unit, -(-_SIDE // unit) * unit + unit)
    return np.random.default_rng(3).random((1, height, width, trained.facts.channels), dtype=np.float32)


def trained_places(
    trained: FakeQuantized, image: NDArray[np.float32], tensors: Mapping[str, NDArray[Any]], *, layout: str
) -> dict[str, tuple[float, int]]:
    """Scale and zero point of the tensors of a float graph that training has ranges for.

    Args:
        image: `probe`'s.
        tensors: name of every computed tensor to its value for that image.
        layout: of these values, ``NHWC`` or ``NCHW``.
    """
    import torch

    values = {
        name: (value.shape, _ordered(value.numpy()))
        for name, value in trained.values(torch.from_numpy(image.transpose(0, 3, 1, 2))).items()
    }
    found = {}
    for name, value in tensors.items():
        ours = value.transpose(0, 3, 1, 2) if layout == "NHWC" and value.ndim == 4 else value
        mine = _ordered(ours)
        closest = min(
            (
                (_distance(mine, other), node)
                for node, (shape, other) in values.items()
                if shape == ours.shape
            ),
            default=(np.inf, ""),
        )
        if closest[0] <= _CLOSE:
            found[name] = trained.place(trained.points.group[closest[1]])
    return found


def trained_scales(layers: Sequence[Layer], weights: NDArray[np.floating[Any]]) -> NDArray[np.float32] | None:
    """The scale of each output channel of a convolution, known by its float weights; None: training has none for it.

    Args:
        layers: of the network that was trained.
        weights: output channels first, in any order, and so the numbers of a channel: converters reorder the channels
            in front of a pixel shuffle.
    """
    wanted = np.sort(weights.reshape(len(weights), -1), axis=1).astype(np.float32)
    for layer in layers:
        floats, integers = layer.floats, layer.integers
        own = floats.transpose(0, integers.axis).flatten(1).numpy()
        if own.shape != wanted.shape or not np.array_equal(fingerprint_of(own), fingerprint_of(wanted)):
            continue
        scales = integers.scales.numpy()
        by_channel = {row.tobytes(): scale for row, scale in zip(np.sort(own, axis=1), scales, strict=True)}
        found = [by_channel.get(row.tobytes()) for row in wanted]
        if None not in found:
            return np.array(found, np.float32)
    return None


def _distance(value: NDArray[Any], other: NDArray[Any]) -> float:
    """Largest difference relative to the largest value."""
    return float(np.abs(value - other).max()) / max(float(np.abs(other).max()), 1e-6)


def _ordered(value: NDArray[Any]) -> NDArray[Any]:
    """NCHW values with their channels in an order of their own: a converter may have another."""
    if value.ndim != 4:
        return value
    channels = value.transpose(1, 0, 2, 3).reshape(value.shape[1], -1)
    key = channels @ np.random.default_rng(5).standard_normal(channels.shape[1])
    ordered: NDArray[Any] = channels[np.argsort(key, kind="stable")]
    return ordered
