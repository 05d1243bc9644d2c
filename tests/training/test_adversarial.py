"""Alternating training: an adversary in the one loop, resumed bit for bit; perceptual backbones in a run."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from PIL import Image
from safetensors.torch import load_file, save_file

from edgeir.checkpoint.state import load_state
from edgeir.core.errors import CheckpointError, ConfigError, NonFiniteError
from edgeir.losses import Adversarial
from edgeir.manifest.card import read_card
from edgeir.models.backbones.vgg import VGG
from edgeir.training.adversary import DiscriminatorTrainer
from edgeir.training.optim import Optim
from edgeir.training.recipe import load_recipe
from edgeir.training.run import distill, train

PATCH = 20
VGG_LOSS = {"kind": "contextual", "layer": "conv1_2"}


@pytest.fixture
def gan(recipe, tmp_path):
    """An enhancement recipe on five tiny pairs; `gan(**changes)` rewrites it."""
    rng = np.random.default_rng(0)
    for side in ("given", "clean"):
        (tmp_path / side).mkdir()
    for index in range(5):
        small = rng.integers(0, 256, (6, 7, 3), dtype=np.uint8)
        clean = Image.fromarray(small).resize((28, 24), Image.Resampling.BICUBIC)
        clean.save(tmp_path / "clean" / f"{index}.png")
        Image.fromarray((np.asarray(clean) * 0.6).astype(np.uint8)).save(tmp_path / "given" / f"{index}.png")
    folders = {"kind": "paired-folders", "given": str(tmp_path / "given"), "clean": str(tmp_path / "clean")}
    recipe.values |= {
        "task": "enhancement",
        "model": {"kind": "ppcn-enhance"},
        "data": {
            "sources": [folders | {"part": "train"}],
            "degradation": None,
            "patch": PATCH,
            "batch": 2,
        },
        "objective": {
            "losses": [{"kind": "ssim"}, {"kind": "colour"}, {"kind": "total-variation"}],
            "adversarial": {"patch": PATCH},
        },
        "optim": {"lr": 1e-3, "schedule": {"kind": "constant"}},
        "train": recipe.values["train"] | {"steps": 6, "validate_every": 3},
        "validation": {"sources": [folders | {"part": "held-out"}], "channel": "rgb", "limit": 2, "size": 24},
    }
    recipe()
    return recipe


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("vgg") / "vgg19.safetensors"
    save_file(VGG(19, last="conv1_2").state_dict(), path)
    return path


def test_its_turns_teach_the_adversary():
    torch.manual_seed(0)
    discriminator = DiscriminatorTrainer(Adversarial(patch=PATCH, rate=0.1).build(), Optim(lr=1e-3))
    fabric = Fabric(accelerator="cpu", devices=1)
    discriminator.setup(fabric)
    target = torch.rand(4, 3, PATCH, PATCH)
    output = torch.nn.functional.avg_pool2d(target, 5, 1, 2)  # too smooth to be taken for the target
    values = [discriminator.step(fabric, output, target, 1e-3, step) for step in range(1, 31)]
    assert values[0]["adversary/loss"] == pytest.approx(np.log(2), abs=0.05)
    assert values[-1]["adversary/loss"] < 0.3
    assert values[-1]["adversary/accuracy"] == 1
    assert discriminator.optimizer.param_groups[0]["lr"] == pytest.approx(1e-4)


def test_the_adversary_takes_its_turns(gan, tmp_path, rows):
    result = train(gan.path, out=tmp_path / "run")
    logged = [row for row in rows(result.run_dir) if "loss" in row]
    terms = ("ssim", "colour", "total-variation", "texture")
    assert logged[0]["loss"] == pytest.approx(sum(logged[0][f"loss/{term}"] for term in terms))
    assert logged[0]["loss/texture"] == pytest.approx(np.log(2), abs=0.1)  # it knows nothing yet
    assert all(row["adversary/loss"] > 0 and 0 <= row["adversary/accuracy"] <= 1 for row in logged)
    weights = load_file(result.run_dir / "checkpoints" / "last" / "weights.safetensors")
    assert sum(value.numel() for value in weights.values()) == 2_715  # the generator alone


def test_without_an_adversary_nothing_else_changes(gan, tmp_path, rows):
    run = train(gan.path, out=tmp_path / "run", overrides=["objective.adversarial=null"]).run_dir
    assert not any("adversary" in key or "texture" in key for row in rows(run) for key in row)
    state, _ = load_state(run / "checkpoints" / "last")
    assert not any(key.startswith("adversary") for key in state)


def test_cut_and_resumed_equals_uninterrupted(gan, tmp_path, rows, same_weights):
    whole = train(gan.path, out=tmp_path / "whole")
    train(gan.path, out=tmp_path / "cut", overrides=["train.steps=3"])
    resumed = train(gan.path, out=tmp_path / "cut", resume=True)
    same_weights(whole.run_dir, resumed.run_dir)  # the state has the adversary and its moments
    assert rows(whole.run_dir) == rows(resumed.run_dir)
    state, _ = load_state(whole.run_dir / "checkpoints" / "last")
    assert "adversary/network.hidden.weight" in state
    assert state["adversary-optim/0/step"] == 6


KILLED = """
import os, signal, sys
from edgeir.training.run import train
def progress(done, total, label):
    if total == 6 and done == 5:
        os.kill(os.getpid(), signal.SIGKILL)
train(sys.argv[1], out=sys.argv[2], progress=progress)
"""


def test_killed_and_resumed_equals_uninterrupted(gan, tmp_path, rows, same_weights):
    whole = train(gan.path, out=tmp_path / "whole")
    subprocess.run([sys.executable, "-c", KILLED, str(gan.path), str(tmp_path / "cut")], check=False)
    assert load_state(tmp_path / "cut" / "checkpoints" / "last")[1]["step"] == 4
    resumed = train(gan.path, out=tmp_path / "cut", resume=True)
    same_weights(whole.run_dir, resumed.run_dir)
    assert rows(whole.run_dir) == rows(resumed.run_dir)


def test_two_processes_take_the_turns_of_one(gan, tmp_path, rows):
    # As a rule for gradients, not for a chaotic game of six steps: three, at a rate that keeps it calm.
    overrides = ["optim.lr=1e-5", "train.steps=3", "train.ema=0"]
    one = train(gan.path, out=tmp_path / "one", overrides=overrides)
    two = train(gan.path, out=tmp_path / "two", overrides=overrides, devices=2)
    for a, b in zip(rows(one.run_dir), rows(two.run_dir), strict=True):
        assert a.keys() == b.keys()
        for key in a.keys() - {"adversary/accuracy"}:
            assert b[key] == pytest.approx(a[key], rel=2e-3, abs=1e-6), key


def test_nan_of_the_adversary_is_named(gan, tmp_path, monkeypatch):
    from edgeir.losses.adversarial import Adversary

    def broken(self, output, target):
        return {"loss": self.network.answer.bias.sum() * float("nan")}

    monkeypatch.setattr(Adversary, "forward", broken)
    with pytest.raises(NonFiniteError, match="loss term `adversary/loss` is nan at step 1"):
        train(gan.path, out=tmp_path / "run")


def test_distillation_and_adversary_in_one_run(gan, tmp_path, rows):
    teacher = train(
        gan.path, out=tmp_path / "teacher", overrides=["model.size=teacher", "train.steps=2"]
    ).run_dir
    taps = ["tap.1", "tap.2"]
    method = {"kind": "attention", "form": "squared", "student_taps": taps, "teacher_taps": taps}
    settings = {"teacher": str(teacher), "methods": [method]}
    gan(objective=gan.values["objective"] | {"distillation": settings})
    first = rows(distill(gan.path, out=tmp_path / "student").run_dir)[0]
    assert {"loss/texture", "loss/distill/attention", "adversary/loss"} <= first.keys()


def test_the_discriminators_patch_must_be_the_datas(gan):
    with pytest.raises(
        ConfigError, match=r"`objective.adversarial.patch` is 100, but the patches are 20 pixels wide"
    ):
        load_recipe(gan.path, ["objective.adversarial.patch=100"])


def test_a_missing_backbone_stops_before_anything_is_decoded(gan, tmp_path, rows):
    losses = json.dumps([VGG_LOSS, {"kind": "ssim"}])
    overrides = [f"objective.losses={losses}", "data.sources.0.given=/nowhere"]
    with pytest.raises(
        ConfigError, match=r"`contextual` needs the weights of VGG-19, but its `backbone.weights`"
    ):
        train(gan.path, out=tmp_path / "run", overrides=overrides)
    assert not (tmp_path / "run").exists()
    overrides = [f"objective.losses={losses}", "objective.perceptual=none", "train.steps=1"]
    first = rows(train(gan.path, out=tmp_path / "none", overrides=overrides).run_dir)[0]
    assert "loss/ssim" in first
    assert "loss/contextual" not in first
    with pytest.raises(ConfigError, match="`perceptual: none` leaves no loss"):
        load_recipe(gan.path, [f"objective.losses={json.dumps([VGG_LOSS])}", "objective.perceptual=none"])


def test_the_backbone_is_recorded_and_neither_trained_nor_saved(gan, tmp_path, vgg, rows):
    digest = hashlib.sha256(vgg.read_bytes()).hexdigest()
    losses = [VGG_LOSS | {"backbone": {"weights": str(vgg)}}, {"kind": "ssim"}]
    objective = gan.values["objective"] | {"losses": losses}
    gan(objective=objective)
    result = train(gan.path, out=tmp_path / "run", overrides=["train.steps=3"])
    assert "loss/contextual" in rows(result.run_dir)[0]
    expected = {"loss": "contextual", "network": "vgg-19", "file": str(vgg), "sha256": digest}
    assert result.backbones == (expected,)
    last = result.run_dir / "checkpoints" / "last"
    assert read_card(last).provenance["backbones"] == [expected]
    assert hashlib.sha256(vgg.read_bytes()).hexdigest() == digest
    state, _ = load_state(last)
    saved = [*state, *load_file(last / "weights.safetensors")]
    assert not any("features" in key or "losses" in key for key in saved)
    tensors = load_file(vgg)
    tensors["features.0.bias"] += 1
    save_file(tensors, vgg)
    with pytest.raises(
        CheckpointError, match=f"trained on other weights of a frozen network.*sha256 {digest}"
    ):
        train(gan.path, out=tmp_path / "run", resume=True)


def test_the_papers_recipes_stop_without_weights(tmp_path):
    for name in ("ppcn-teacher-paper", "ppcn-submitted-paper"):
        with pytest.raises(ConfigError, match="needs the weights of VGG-19"):
            train(f"enhancement/{name}", out=tmp_path / "run")
    with pytest.raises(ConfigError, match="needs the weights of VGG-19"):
        distill("enhancement/ppcn-student-paper", out=tmp_path / "run")
