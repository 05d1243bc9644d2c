"""Networks beside the student in whole runs: trained, kept in the checkpoint, resumed bit for bit."""

import pytest
import torch
from safetensors.torch import load_file

from edgeir.training.run import distill

SMALL = "widths: [8, 8], blocks: 1, bottom_blocks: 1"
AUTO_ENCODER = f"model={{kind: danet-autoencoder, encoder: {{{SMALL}}}, decoder: {{{SMALL}}}}}"
IMITATION = "objective.distillation={methods: [{kind: imitation}]}"
MUTUAL = "objective.distillation={methods: [{kind: mutual, peer: {kind: dncnn, depth: 3, width: 4}}]}"


@pytest.fixture
def noisy(recipe):
    data = recipe.values["data"] | {"degradation": {"kind": "awgn", "sigma": 25.0}}
    return recipe(data=data)


def states(run):
    return load_file(run / "checkpoints" / "last" / "state.safetensors")


def variational(folder):
    return (
        f"objective.distillation={{teacher: {folder}, methods: [{{kind: variational-features, "
        "student_taps: [head], teacher_taps: [decoder.head], channels: [8]}]}"
    )


@pytest.mark.parametrize("method", ["mutual", "variational"])
def test_a_companion_is_trained_and_resumed(noisy, tmp_path, method):
    overrides = ["model={kind: dncnn, depth: 3, width: 4}", MUTUAL]
    if method == "variational":
        distill(noisy, out=tmp_path / "teacher", overrides=[AUTO_ENCODER, IMITATION, "train.steps=2"])
        overrides = [f"model={{kind: danet, {SMALL}}}", f"init={tmp_path / 'teacher'}"]
        overrides.append(variational(tmp_path / "teacher"))
    overrides.append("optim.schedule={kind: constant}")  # the others follow from the run's whole length
    whole = distill(noisy, out=tmp_path / "whole", overrides=[*overrides, "train.steps=4"]).run_dir
    cut = tmp_path / "cut"
    distill(noisy, out=cut, overrides=[*overrides, "train.steps=2"])
    first = states(cut)
    distill(noisy, out=cut, overrides=[*overrides, "train.steps=4"], resume=True)
    expected, found = states(whole), states(cut)
    assert any(key.startswith("companion/") for key in expected)
    assert expected.keys() == found.keys()
    for key, value in expected.items():
        assert torch.equal(value, found[key]), key
    assert any(not torch.equal(first[key], found[key]) for key in found if key.startswith("companion/"))
