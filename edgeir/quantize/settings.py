"""Settings of quantisation-aware training, kept in a recipe and in the card of what it trained."""

from __future__ import annotations

from pydantic import Field, field_validator

from edgeir.core.config import Config
from edgeir.quantize.plan import PLANS, Plan
from edgeir.quantize.ranges import RangeRule
from edgeir.quantize.weight_scales import WeightRule

__all__ = ["Quantization"]


class Quantization(Config):
    """What a network is quantised to while it is trained; kept in its card."""

    plan: Plan = PLANS["int8"]
    """Every layer in 8 bits, weights per channel or per tensor."""
    ranges: RangeRule = "mse"
    """How the ranges of activations follow from the first training images and from synthetic extremes. Weights adapt to
    values that are cut off: `mse` keeps 0.01 dB more than `minmax` (docs/LOG.md)."""
    weights: WeightRule = "pairs"
    """Scales of the weights (`edgeir.quantize.weight_scales`). With `pairs` the same integers are right on processors
    that add neighbouring products in 16 bits too."""
    calibration_batches: int = Field(3, ge=1, le=1000)
    """Training batches that set the ranges."""

    @field_validator("plan")
    @classmethod
    def _trainable(cls, plan: Plan) -> Plan:
        if plan.layers or not plan.default.integer or plan.default.activations != "int8":
            raise ValueError("only a plan with all layers in int8 can be trained for: int8, or int8-tensor")
        return plan
