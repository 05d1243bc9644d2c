"""Quantisation-aware training: runs, resuming, and what is refused."""

import json

import pytest
import torch

from edgeir.checkpoint.load import load_checkpoint
from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.manifest.card import read_card
from edgeir.quantize.network import FakeQuantized
from edgeir.training.run import distill, train


@pytest.fixture
def floats(recipe, tmp_path):
    """A short run in floats."""
    return train(recipe.path, out=tmp_path / "floats", overrides=["train.steps=4"]).run_dir


def test_a_run_continues_the_float_network_in_integers(recipe, floats, tmp_path):
    path = recipe(fine_tune_from=str(floats), quant="int8")
    run = train(path, out=tmp_path / "run").run_dir
    network, card, _ = load_checkpoint(run)
    began, _, _ = load_checkpoint(floats)
    assert isinstance(network, FakeQuantized)
    assert card.quantization["plan"] == "int8"
    assert network.calibrated
    for name, value in began.fused().state_dict().items():  # kept, for the proof of its files
        assert torch.allclose(network.reference.state_dict()[name], value, atol=1e-5)
    moved = dict(network.deployed.named_parameters())
    assert any(
        not torch.allclose(value, moved[name])
        for name, value in network.reference.deploy().named_parameters()
    )
    image = torch.rand(1, 3, 16, 12)
    with torch.no_grad():
        levels = network.deploy()(image) * 255
    assert torch.allclose(levels, levels.round(), atol=1e-3)


def test_resumed_bit_for_bit(recipe, floats, tmp_path, same_weights):
    constant = {"lr": 1e-3, "schedule": {"kind": "constant"}}
    path = recipe(fine_tune_from=str(floats), quant="int8", optim=constant)
    whole = train(path, out=tmp_path / "whole").run_dir
    train(path, out=tmp_path / "parts", overrides=["train.steps=4"])
    train(path, out=tmp_path / "parts", resume=True)
    same_weights(whole, tmp_path / "parts")


def test_a_teacher_is_followed(recipe, floats, tmp_path):
    distillation = {"teacher": str(floats), "methods": [{"kind": "output", "distance": "l2"}]}
    path = recipe(fine_tune_from=str(floats), quant="int8", objective={"distillation": distillation})
    run = distill(path, out=tmp_path / "run").run_dir
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert all("loss/distill/output" in row for row in rows if "loss" in row)


def test_training_goes_on_from_a_network_in_integers_of_the_same_plan_only(recipe, floats, tmp_path):
    first = train(recipe(fine_tune_from=str(floats), quant="int8"), out=tmp_path / "first").run_dir
    second = train(recipe(fine_tune_from=str(first), quant="int8"), out=tmp_path / "second").run_dir
    assert torch.equal(load_checkpoint(first)[0].low, load_checkpoint(second)[0].low)
    other = {"plan": "int8", "weights": "full"}
    with pytest.raises(ConfigError, match=r"was trained for int8 with .*pairs.*, not for int8 with .*full"):
        train(recipe(fine_tune_from=str(first), quant=other), out=tmp_path / "other")
    with pytest.raises(ConfigError, match=r"not in floats \(start from the float network"):
        train(recipe(fine_tune_from=str(first)), out=tmp_path / "other")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quant": "int8"}, "`quant` needs `fine_tune_from`"),
        (
            {
                "quant": "int8",
                "fine_tune_from": "runs/ffdnet",
                "model": {"kind": "ffdnet", "depth": 3, "width": 8},
                "data": {
                    "sources": [{"kind": "embedded"}],
                    "degradation": {"kind": "awgn", "sigma": [0, 50], "noise_map": True},
                },
            },
            "holds one noise level",
        ),
        ({"quant": "fp16", "fine_tune_from": "sr-x4-xs"}, "only a plan with all layers in int8"),
        ({"quant": "int16x8", "fine_tune_from": "sr-x4-xs"}, "only a plan with all layers in int8"),
        ({"quant": "int9", "fine_tune_from": "sr-x4-xs"}, "must be one of"),
        ({"quant": {"plan": "int8", "range": "mse"}, "fine_tune_from": "sr-x4-xs"}, "ranges"),
        (
            {
                "quant": "int8",
                "fine_tune_from": "sr-x4-xs",
                "objective": {
                    "distillation": {
                        "teacher": "sr-x4",
                        "methods": [
                            {"kind": "attention", "student_taps": ["head"], "teacher_taps": ["head"]}
                        ],
                    }
                },
            },
            "a network in integers has no features to read, which `attention` does",
        ),
    ],
)
def test_a_recipe_that_cannot_be_trained_in_integers(recipe, tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        train(recipe(**changes), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_teacher_of_another_scale(recipe, floats, tmp_path):
    distillation = {"teacher": "sr-x4", "methods": [{"kind": "output"}]}
    model = {"kind": "plainsr", "channels": 4, "blocks": 1, "scale": 2}
    values = dict(recipe.values["data"], degradation={"kind": "bicubic", "scale": 2})
    two = train(recipe(model=model, data=values), out=tmp_path / "two").run_dir
    path = recipe(
        model=model,
        data=values,
        fine_tune_from=str(two),
        quant="int8",
        objective={"distillation": distillation},
    )
    with pytest.raises(ConfigError, match="enlarges its input by 4"):
        distill(path, out=tmp_path / "run")


def test_a_card_with_another_quantisation_is_damaged(recipe, floats, tmp_path):
    run = train(recipe(fine_tune_from=str(floats), quant="int8"), out=tmp_path / "run").run_dir
    folder = run / "checkpoints" / "last"
    card = read_card(folder).model_dump(mode="json")
    card["quantization"]["plan"] = "fp16"
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match="describes a quantisation that this version does not know"):
        load_checkpoint(folder)
