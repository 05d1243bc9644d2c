"""Layers that died are named at a validation, in the log and in metrics.jsonl."""

import json
import logging

import pytest

torch = pytest.importorskip("torch")

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


@pytest.mark.parametrize("dead", [False, True])
def test_a_validation_says_so(dead, tmp_path, caplog):
    recipe = Recipe.model_validate(
        {
            "name": "tiny",
            "model": {"kind": "plainsr", "channels": 6, "blocks": 2, "scale": 2},
            "data": {"sources": [{"kind": "embedded"}], "degradation": {"kind": "bicubic", "scale": 2}},
            "train": {"steps": 1, "samples": 0},
            "validation": {"sources": [{"kind": "embedded"}], "limit": 1, "size": 64},
        }
    )
    run = RunFolder(tmp_path / "run", recipe)
    run.start()
    with caplog.at_level(logging.WARNING):
        run.validate(network(dead), 1)
    row = json.loads((tmp_path / "run" / "metrics.jsonl").read_text())
    assert row.get("val/silent_layers") == (["body.1"] if dead else None)
    assert ("the layer body.1 puts out zeros only" in caplog.text) is dead
