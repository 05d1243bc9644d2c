"""Networks beside the student in whole runs: trained, kept in the checkpoint, resumed bit for bit."""

import pytest
import torch
from safetensors.torch import load_file

from edgeir.core.errors import ConfigError
from edgeir.training.run import distill, train

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
        overrides = [f"model={{kind: danet, {SMALL}}}", f"fine_tune_from={tmp_path / 'teacher'}"]
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


@pytest.mark.parametrize(
    ("student", "teacher", "message"),
    [
        ("hed", "body.0", "the student has no tap `hed`; its taps are head, body.0"),
        ("head", "body.7", "the teacher has no tap `body.7`; its taps are head, body.0"),
    ],
)
def test_a_tap_that_does_not_exist_is_found_before_anything_is_decoded(
    recipe, tmp_path, monkeypatch, student, teacher, message
):
    run = train(recipe.path, out=tmp_path / "teacher", overrides=["train.steps=1"]).run_dir

    def never(*_, **__):
        raise AssertionError("decoded")

    monkeypatch.setattr("edgeir.training.run.open_store", never)
    taps = f"student_taps: [{student}], teacher_taps: [{teacher}]"
    following = f"objective.distillation={{teacher: {run}, methods: [{{kind: attention, {taps}}}]}}"
    with pytest.raises(ConfigError, match=message):
        distill(recipe.path, out=tmp_path / "run", overrides=[following])
    extractor = (
        "objective.distillation={methods: [{kind: target-features, student_taps: [head], extractor_taps: [x], "
        "extractor: {kind: dncnn, depth: 3, width: 4, residual: false}}]}"
    )
    with pytest.raises(ConfigError, match="the extractor has no tap `x`; its taps are head, body.0"):
        distill(recipe.path, out=tmp_path / "run", overrides=[extractor])
