"""Layers that died are named at a validation, in the log and in metrics.jsonl."""

import json
import logging

import pytest

torch = pytest.importorskip("torch")

from edgeir.core.errors import TrainingError  # noqa: E402
from edgeir.models import PlainSRConfig  # noqa: E402
from edgeir.training.recipe import Recipe  # noqa: E402
from edgeir.training.record import RunFolder  # noqa: E402
from edgeir.training.silent import silent_layers  # noqa: E402


def network(dead: bool):
    torch.manual_seed(0)
    made = PlainSRConfig(channels=6, blocks=2, scale=2, branches=()).build().eval()
    if dead:
        with torch.no_grad():
            made.body[1].conv.conv.weight.zero_()
            made.body[1].conv.conv.bias.fill_(-1.0)
    return made


@pytest.mark.parametrize("dead", [False, True])
def test_a_layer_of_zeros_is_found_and_one_that_speaks_once_is_not(dead):
    made = network(dead)
    with torch.no_grad(), silent_layers(made) as silent:
        made(torch.zeros(1, 3, 8, 8))
        made(torch.rand(1, 3, 8, 8))
    assert silent == ({"body.1"} if dead else set())
    assert not made.body[0]._forward_hooks


@pytest.fixture
def run(tmp_path):
    recipe = Recipe.model_validate(
        {
            "name": "tiny",
            "model": {"kind": "plainsr", "channels": 6, "blocks": 2, "scale": 2},
            "data": {"sources": [{"kind": "embedded"}], "degradation": {"kind": "bicubic", "scale": 2}},
            "train": {"steps": 1, "samples": 0},
            "validation": {"sources": [{"kind": "embedded"}], "limit": 1, "size": 64},
        }
    )
    made = RunFolder(tmp_path / "run", recipe)
    made.start()
    return made


@pytest.mark.parametrize("dead", [False, True])
def test_a_validation_says_so(dead, run, caplog):
    with caplog.at_level(logging.WARNING):
        run.validate(network(dead), 1)
    row = json.loads((run.path / "metrics.jsonl").read_text())
    assert row.get("val/silent_layers") == (["body.1"] if dead else None)
    assert ("the layer body.1 puts out zeros only" in caplog.text) is dead


def test_a_training_ends_once_a_dead_layer_has_stopped_it(run):
    made = network(dead=True)
    run.validate(made, 10)
    with torch.no_grad():  # what comes after the dead layer still learns
        made.tail.conv.bias.add_(0.1)
    run.validate(made, 20)
    with pytest.raises(TrainingError, match=r"step 30: nothing .* body\.1 .* as after step 20") as caught:
        run.validate(made, 30)
    assert "optim.lr" in caught.value.fix


def test_one_that_lives_may_stand_still(run):
    made = network(dead=False)
    assert run.validate(made, 10) == run.validate(made, 20)
