"""SMFANet and SMFANet+ as in their authors' code: ``to_feat``, ``feats.0`` …, ``to_img.0``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeir.checkpoint.foreign.maps.base import WeightMap, count, kernel, scale_of
from edgeir.checkpoint.state import Tensors

__all__ = ["MAP"]

_CONVOLUTIONS = {
    "modulation.split": "smfa.linear_0",
    "modulation.coarse": "smfa.dw_conv",
    "modulation.gate": "smfa.linear_1",
    "modulation.local.depthwise": "smfa.lde.conv_0.0",
    "modulation.local.mix": "smfa.lde.conv_0.1",
    "modulation.local.project": "smfa.lde.conv_1",
    "modulation.join": "smfa.linear_2",
    "feed_forward.expand": "pcfn.conv_0",
    "feed_forward.spatial": "pcfn.conv_1",
    "feed_forward.project": "pcfn.conv_2",
}
"""Of a block."""
_WEIGHTS = {"modulation.coarse_weight": "smfa.alpha", "modulation.variance_weight": "smfa.belt"}


def _settings(tensors: Tensors) -> dict[str, Any]:
    return {
        "scale": scale_of(tensors, "to_img.0.weight"),
        "channels": kernel(tensors, "to_feat.weight")[0],
        "blocks": count(tensors, "feats."),
    }


def _names(config: Any, tensors: Tensors) -> Mapping[str, str]:
    modules = {"head": "to_feat", "tail": "to_img.0"}
    single: dict[str, str] = {}
    for index in range(config.blocks):
        modules |= {f"blocks.{index}.{own}": f"feats.{index}.{their}" for own, their in _CONVOLUTIONS.items()}
        single |= {f"blocks.{index}.{own}": f"feats.{index}.{their}" for own, their in _WEIGHTS.items()}
    pairs = {
        f"{own}.{part}": f"{their}.{part}" for own, their in modules.items() for part in ("weight", "bias")
    }
    return {**pairs, **single}


MAP = WeightMap(
    "smfanet", "Zheng-MJ/SMFANet", _settings, _names, marks=("to_feat.weight", "feats.0.smfa.belt")
)
