"""PlainUSR, reparametrised, as in its authors' code: ``head``, ``block1``, ``block2``, ``blockm``, …, ``tail.0``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeir.checkpoint.foreign.maps.base import WeightMap, kernel, scale_of
from edgeir.checkpoint.state import Tensors

__all__ = ["MAP"]

_BLOCKS = ("block1", "block2", "blockm", "block3", "block4")
_CONVOLUTIONS = {
    "convs.0": "body.0",
    "convs.1": "body.2",
    "convs.2": "body.4",
    "attention.entry": "body.5.body.0",
    "attention.shrink": "body.5.body.2",
    "attention.exit": "body.5.body.3",
}
"""Of a block."""


def _settings(tensors: Tensors) -> dict[str, Any]:
    return {
        "scale": scale_of(tensors, "tail.0.weight"),
        "channels": kernel(tensors, "head.weight")[0] - 3,
        "widths": tuple(kernel(tensors, f"{block}.body.0.weight")[0] for block in _BLOCKS),
    }


def _names(config: Any, tensors: Tensors) -> Mapping[str, str]:
    modules = {"head": "head", "tail": "tail.0"}
    for index, block in enumerate(_BLOCKS):
        modules |= {f"blocks.{index}.{own}": f"{block}.{their}" for own, their in _CONVOLUTIONS.items()}
    return {
        f"{own}.{part}": f"{their}.{part}" for own, their in modules.items() for part in ("weight", "bias")
    }


MAP = WeightMap(
    "plainusr", "icandle/PlainUSR", _settings, _names, marks=("blockm.body.5.body.0.weight", "tail.0.weight")
)
