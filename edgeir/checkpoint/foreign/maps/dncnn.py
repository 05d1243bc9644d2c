"""DnCNN as in its author's PyTorch code (KAIR): ``model.0``, ``model.2``, …, normalisations folded in or beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from edgeir.checkpoint.foreign.maps.base import WeightMap, convolutions
from edgeir.checkpoint.state import Tensors

__all__ = ["MAP"]

_NORM = ("weight", "bias", "running_mean", "running_var")
_EPS = 1e-5
"""Of torch's batch normalisation."""


def _settings(tensors: Tensors) -> dict[str, Any]:
    layers = convolutions(tensors)
    first = tensors[f"{layers[0]}.weight"]
    return {"channels": first.shape[1], "depth": len(layers), "width": first.shape[0]}


def _names(config: Any, tensors: Tensors) -> Mapping[str, str]:
    theirs = convolutions(tensors)
    body = [f"body.{index}.conv.conv" for index in range(config.depth - 2)]
    ours = ["head.conv", *body, "tail"]
    names = {
        f"{own}.{part}": f"{their}.{part}"
        for own, their in zip(ours, theirs, strict=True)
        for part in ("weight", "bias")
    }
    for own, their in zip(body, theirs[1:-1], strict=True):
        norm = f"model.{int(their.split('.')[1]) + 1}"
        if f"{norm}.running_mean" in tensors:
            names |= {f"{own[:-5]}.norm.{part}": f"{norm}.{part}" for part in _NORM}
    return names


def _fixed(config: Any) -> Tensors:
    """Normalisations that change nothing: their author folded them into the convolutions."""
    width = config.width
    values = {
        "weight": torch.full((width,), (1 + _EPS) ** 0.5),
        "bias": torch.zeros(width),
        "running_mean": torch.zeros(width),
        "running_var": torch.ones(width),
    }
    return {
        f"body.{index}.conv.norm.{part}": value
        for index in range(config.depth - 2)
        for part, value in values.items()
    }


MAP = WeightMap("dncnn", "cszn/KAIR", _settings, _names, _fixed)
