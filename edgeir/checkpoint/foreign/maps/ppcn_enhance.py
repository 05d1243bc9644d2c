"""PPCN's enhancement generators as published: ``.npz`` of ``…/W0``, ``…/b0``, and ``…/Variable`` for shift and scale of
the instance normalisations, in turns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeir.checkpoint.foreign.maps.base import WeightMap
from edgeir.checkpoint.state import Tensors

__all__ = ["MAP"]

_CONVOLUTIONS = {
    "student": ("entry.0.conv", "entry.1.conv", "blocks.0.0.conv", "blocks.0.1.conv", "tail"),
    "teacher": (
        "entry.0.conv", "entry.1.conv", "blocks.0.0.conv", "blocks.0.1.conv", "blocks.1.0.conv", "blocks.1.1.conv",
        "join.conv", "tail",
    ),
}  # fmt: skip
_NORMS = {
    "student": ("blocks.0.0.norm", "blocks.0.1.norm"),
    "teacher": ("blocks.0.0.norm", "blocks.0.1.norm", "blocks.1.0.norm", "blocks.1.1.norm"),
}


def _prefix(tensors: Tensors) -> str:
    first = next((name for name in tensors if name.endswith("__W0")), None)
    if first is None:
        raise KeyError("generator__W0")
    return first.removesuffix("W0")


def _settings(tensors: Tensors) -> dict[str, Any]:
    return {"size": "teacher" if f"{_prefix(tensors)}W7" in tensors else "student"}


def _names(config: Any, tensors: Tensors) -> Mapping[str, str]:
    prefix = _prefix(tensors)
    names: dict[str, str] = {}
    for index, own in enumerate(_CONVOLUTIONS[config.size]):
        names |= {f"{own}.weight": f"{prefix}W{index}", f"{own}.bias": f"{prefix}b{index}"}
    parts = [f"{norm}.{part}" for norm in _NORMS[config.size] for part in ("bias", "weight")]
    for index, own in enumerate(parts):
        names[own] = f"{prefix}Variable" + (f"_{index}" if index else "")
    return names


MAP = WeightMap("ppcn-enhance", "Zheng222/PPCN", _settings, _names, hwio=True)
