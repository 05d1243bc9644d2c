"""The quantisation plan: the precision of every layer.

A plan is a format for all layers and, where some differ, a format for those. The usual plans have short names, used in
export profiles and on the command line:

| name | weights | activations |
| --- | --- | --- |
| ``fp32``, ``fp16`` | float | float |
| ``w8`` | 8 bits, one scale per output channel | float: the weights are made float before they are used |
| ``dynamic`` | 8 bits per channel | 8 bits, scaled by the values of each image as it runs; float between the layers |
| ``int8`` | 8 bits per channel | 8 bits, by ranges found in calibration |
| ``int8-tensor`` | 8 bits, one scale per layer | the same |
| ``int16x8`` | 8 bits per channel | 16 bits, by ranges found in calibration |

How a plan is implemented in a format is up to the target; a target that does not support one raises before it converts
anything.

Layers are named as in the deployed network (``network.deploy().named_modules()``); patterns with ``*`` match several.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer

from edgeir.core.config import Config
from edgeir.quantize.names import PLAN_NAMES

__all__ = ["PLANS", "LayerFormat", "Plan", "QuantizationPlan"]


class LayerFormat(Config):
    """The number formats of one layer."""

    weights: Literal["float32", "float16", "int8"] = "float32"
    """Weights in the file."""
    activations: Literal["float32", "float16", "int8", "int16", "dynamic"] = "float32"
    """Inputs and outputs of the layer. ``float16`` is a request; a runtime may compute in float32. ``dynamic``: int8
    inside the layer, on a scale that the runtime finds in each image, and float outside."""
    granularity: Literal["channel", "tensor"] = "channel"
    """int8 weights: one scale per output channel, or one for all of them."""

    @property
    def integer(self) -> bool:
        """Weights and activations are integers, on scales that are in the file."""
        return self.weights == "int8" and self.activations in ("int8", "int16")


class QuantizationPlan(Config):
    """A format for every layer of a network."""

    default: LayerFormat = LayerFormat()
    """Of every layer that `layers` does not name."""
    layers: dict[str, LayerFormat] = {}
    """Name or pattern of a layer to its format; the first that matches counts."""

    @property
    def name(self) -> str:
        """The short name of the plan, or that of its default with ``-mixed``."""
        for name, plan in PLANS.items():
            if plan.default == self.default:
                return f"{name}-mixed" if self.layers else name
        return "custom"

    def format_of(self, layer: str) -> LayerFormat:
        """The format of a layer."""
        for pattern, form in self.layers.items():
            if fnmatchcase(layer, pattern):
                return form
        return self.default

    def unmatched(self, layers: Iterable[str]) -> list[str]:
        """The patterns that match none of these layers."""
        names = list(layers)
        return [pattern for pattern in self.layers if not any(fnmatchcase(name, pattern) for name in names)]


PLANS: dict[str, QuantizationPlan] = dict(
    zip(
        PLAN_NAMES,
        (
            QuantizationPlan(),
            QuantizationPlan(default=LayerFormat(weights="float16", activations="float16")),
            QuantizationPlan(default=LayerFormat(weights="int8", activations="float16")),
            QuantizationPlan(default=LayerFormat(weights="int8", activations="dynamic")),
            QuantizationPlan(default=LayerFormat(weights="int8", activations="int8")),
            QuantizationPlan(
                default=LayerFormat(weights="int8", activations="int8", granularity="tensor"),
            ),
            QuantizationPlan(default=LayerFormat(weights="int8", activations="int16")),
        ),
        strict=True,
    )
)
"""What the short names stand for."""


def _from_name(value: Any) -> Any:
    if isinstance(value, str):
        if value not in PLANS:
            raise ValueError(f"must be one of {', '.join(PLANS)}, or a plan with `default`")
        return PLANS[value]
    return value


def _to_name(plan: QuantizationPlan) -> Any:
    return plan.name if PLANS.get(plan.name) == plan else plan.model_dump(mode="json")


Plan = Annotated[QuantizationPlan, BeforeValidator(_from_name), PlainSerializer(_to_name)]
"""A plan in a configuration: a short name, or its fields."""
