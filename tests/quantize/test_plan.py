"""Quantisation plans: short names, patterns of layers, the way through YAML."""

from __future__ import annotations

import pytest
import yaml

from edgeir.core.config import Config, dump_yaml, parse
from edgeir.core.errors import ConfigError
from edgeir.quantize.names import PLAN_NAMES
from edgeir.quantize.plan import PLANS, LayerFormat, Plan, QuantizationPlan

INT8 = LayerFormat(weights="int8", activations="int8")


class Holder(Config):
    precision: Plan = PLANS["fp32"]


@pytest.mark.parametrize("name", PLAN_NAMES)
def test_a_short_name_stands_for_its_plan_and_comes_back(name: str) -> None:
    held = parse(Holder, {"precision": name}, where="x")
    assert held.precision == PLANS[name]
    assert held.precision.name == name
    assert yaml.safe_load(dump_yaml(held)) == {"precision": name}


def test_a_plan_with_layers_survives_yaml() -> None:
    plan = QuantizationPlan(default=INT8, layers={"head*": LayerFormat(), "tail": PLANS["fp16"].default})
    held = Holder(precision=plan)
    assert parse(Holder, yaml.safe_load(dump_yaml(held)), where="x") == held
    assert plan.name == "int8-mixed"
    assert plan.format_of("head.conv") == LayerFormat()
    assert plan.format_of("tail") == PLANS["fp16"].default
    assert plan.format_of("body.0") == INT8
    assert plan.unmatched(["head.conv", "body.0"]) == ["tail"]


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(
        ConfigError,
        match=r"must be one of fp32, fp16, w8, dynamic, int8, int8-tensor, int16x8, or a plan .*, not `int9`",
    ):
        parse(Holder, {"precision": "int9"}, where="x")


def test_an_unusual_format_is_custom() -> None:
    assert QuantizationPlan(default=LayerFormat(weights="int8")).name == "custom"
