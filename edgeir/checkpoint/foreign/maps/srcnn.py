"""SRCNN as the PIRM 2018 challenge published it: ``.npz`` of ``generator/w1`` …, the last bias one scalar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeir.checkpoint.foreign.maps.base import WeightMap
from edgeir.checkpoint.state import Tensors

__all__ = ["MAP"]

_NAMES = {
    "conv1.weight": "generator__w1",
    "conv1.bias": "generator__b1",
    "conv2.weight": "generator__w2",
    "conv2.bias": "generator__b2",
    "conv3.weight": "generator__w3",
    "bias3": "generator__b3",
}


def _settings(tensors: Tensors) -> dict[str, Any]:
    return {"scale": 4} if tensors["generator__w1"].ndim else {}


def _names(config: Any, tensors: Tensors) -> Mapping[str, str]:
    return _NAMES


MAP = WeightMap("srcnn", "aiff22/ai-challenge", _settings, _names, hwio=True)
