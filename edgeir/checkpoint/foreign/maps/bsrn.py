"""BSRN as in its authors' code: ``fea_conv``, ``B1`` …, ``c1``, ``c2``, ``upsampler.upsampleOneStep.0``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeir.checkpoint.foreign.maps.base import WeightMap, kernel, scale_of
from edgeir.checkpoint.state import Tensors

__all__ = ["MAP"]

_CONVOLUTIONS = {
    **{f"shares.{index}": f"c{index + 1}_d" for index in range(3)},
    "join": "c5",
    "spatial.entry": "esa.conv1",
    "spatial.skip": "esa.conv_f",
    "spatial.exit": "esa.conv4",
    "channel.squeeze": "cca.conv_du.0",
    "channel.excite": "cca.conv_du.2",
}
"""Of a block."""
_BLUEPRINTS = {
    **{f"refine.{index}": f"c{index + 1}_r" for index in range(3)},
    "last": "c4",
    "spatial.shrink": "esa.conv2",
    "spatial.coarse.0": "esa.conv_max",
    "spatial.coarse.1": "esa.conv3",
    "spatial.coarse.2": "esa.conv3_",
}
_LAST = "upsampler.upsampleOneStep.0"


def _settings(tensors: Tensors) -> dict[str, Any]:
    width = kernel(tensors, "fea_conv.dw.weight")[0]
    return {
        "scale": scale_of(tensors, f"{_LAST}.weight"),
        "channels": width,
        "blocks": kernel(tensors, "c1.weight")[1] // width,
    }


def _names(config: Any, tensors: Tensors) -> Mapping[str, str]:
    convolutions, blueprints = {"fuse": "c1", "tail": _LAST}, {"head": "fea_conv", "body": "c2"}
    for index in range(config.blocks):
        own, their = f"blocks.{index}", f"B{index + 1}"
        convolutions |= {f"{own}.{name}": f"{their}.{value}" for name, value in _CONVOLUTIONS.items()}
        blueprints |= {f"{own}.{name}": f"{their}.{value}" for name, value in _BLUEPRINTS.items()}
    names = {
        f"{own}.{part}": f"{their}.{part}"
        for own, their in convolutions.items()
        for part in ("weight", "bias")
    }
    for own, their in blueprints.items():
        names |= {f"{own}.mix.weight": f"{their}.pw.weight"}
        names |= {f"{own}.depthwise.{part}": f"{their}.dw.{part}" for part in ("weight", "bias")}
    return names


MAP = WeightMap(
    "bsrn",
    "xiaom233/BSRN",
    _settings,
    _names,
    marks=("fea_conv.pw.weight", "B1.c1_r.pw.weight", "B1.cca.conv_du.0.weight"),
)
