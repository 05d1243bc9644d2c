"""FFDNet as in its author's PyTorch code (KAIR): ``model.0``, ``model.2``, …, the noise level as the last channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeir.checkpoint.foreign.maps.base import WeightMap, convolutions
from edgeir.checkpoint.state import Tensors

__all__ = ["MAP"]


def _settings(tensors: Tensors) -> dict[str, Any]:
    layers = convolutions(tensors)
    first = tensors[f"{layers[0]}.weight"]
    return {"channels": (first.shape[1] - 1) // 4, "depth": len(layers), "width": first.shape[0]}


def _names(config: Any, tensors: Tensors) -> Mapping[str, str]:
    ours = ["head.conv", *(f"body.{index}.conv" for index in range(config.layers - 2)), "tail"]
    return {
        f"{own}.{part}": f"{their}.{part}"
        for own, their in zip(ours, convolutions(tensors), strict=True)
        for part in ("weight", "bias")
    }


MAP = WeightMap("ffdnet", "cszn/KAIR", _settings, _names)
