"""Runs: what they leave behind, resumption bit for bit, signals, several processes, NaN."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

from edgeir.checkpoint.load import load_checkpoint
from edgeir.checkpoint.resolve import resolve_checkpoint
from edgeir.checkpoint.state import load_state
from edgeir.core.assets import find_asset, list_assets, list_zoo
from edgeir.core.config import read_yaml
from edgeir.core.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    EdgeIRError,
    NonFiniteError,
    OutputError,
    TrainingError,
)
from edgeir.manifest.card import read_card
from edgeir.models.plainsr import PlainSR
from edgeir.runtime.loading import load
from edgeir.training.optim import Optim
from edgeir.training.run import distill, train


def test_a_run_leaves_everything_that_the_next_stages_need(recipe, tmp_path, rows, same_weights):
    result = train(recipe.path, out=tmp_path / "run")
    assert (result.steps, result.stopped) == (8, False)
    run = result.run_dir
    logged = [row for row in rows(run) if "loss" in row]
    assert [row["step"] for row in logged] == list(range(1, 9))
    assert logged[0]["loss"] == pytest.approx(logged[0]["loss/l1"])
    assert [row["step"] for row in rows(run) if "val/psnr_db" in row] == [4, 8]
    samples = sorted((run / "samples").iterdir())
    assert [path.name for path in samples] == ["0-0000004.png", "0-0000008.png"]
    with Image.open(samples[0]) as sample:
        assert sample.size == (3 * 48, 48)
    network, card, _ = load_checkpoint(run)
    assert card.facts == network.facts
    assert card.provenance["recipe"]["train"]["steps"] == 8
    assert read_card(run / "checkpoints" / "last").metrics["step"] == 8
    again = train(run / "recipe.yaml", out=tmp_path / "again")  # the resolved recipe is a recipe
    same_weights(run, again.run_dir)


def test_training_learns(recipe, tmp_path, rows):
    result = train(
        recipe.path,
        out=tmp_path / "run",
        overrides=["train.steps=150", "optim.lr=0.005", "train.log_every=30"],
    )
    losses = [row["loss"] for row in rows(result.run_dir) if "loss" in row]
    assert losses[-1] < 0.8 * losses[0]


def test_stopped_and_resumed_equals_uninterrupted(recipe, tmp_path, monkeypatch, rows, same_weights):
    before = signal.getsignal(signal.SIGTERM)
    whole = train(recipe.path, out=tmp_path / "whole")
    calls = []

    def progress(done, total, label):
        if total == 8:
            calls.append(done)
            if done == 5:
                os.kill(os.getpid(), signal.SIGTERM)

    cut = train(recipe.path, out=tmp_path / "cut", progress=progress)
    assert (cut.stopped, cut.steps) == (True, 5)
    assert cut.metrics["best_psnr_db"] == cut.metrics["psnr_db"] > 0  # of step 4
    resumed = train(recipe.path, out=tmp_path / "cut", resume=True)
    assert (resumed.stopped, resumed.steps) == (False, 8)
    same_weights(whole.run_dir, resumed.run_dir)
    assert rows(whole.run_dir) == rows(resumed.run_dir)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_run_stopped_before_its_first_validation_has_no_best(recipe, tmp_path):
    def progress(done, total, label):
        if (done, total) == (2, 8):
            os.kill(os.getpid(), signal.SIGTERM)

    cut = train(recipe.path, out=tmp_path / "cut", progress=progress)
    assert (cut.stopped, cut.metrics) == (True, {"best_psnr_db": None})


KILLED = """
import os, signal, sys
from edgeir.training.run import train
def progress(done, total, label):
    if total == 8 and done == 7:
        os.kill(os.getpid(), signal.SIGKILL)
train(sys.argv[1], out=sys.argv[2], progress=progress)
"""


def test_killed_and_resumed_equals_uninterrupted(recipe, tmp_path, rows, same_weights):
    whole = train(recipe.path, out=tmp_path / "whole")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(recipe.path), str(tmp_path / "cut")], check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert (
        load_state(tmp_path / "cut" / "checkpoints" / "last")[1]["step"] == 6
    )  # the last save before the kill
    resumed = train(recipe.path, out=tmp_path / "cut", resume=True)
    same_weights(whole.run_dir, resumed.run_dir)
    assert rows(whole.run_dir) == rows(resumed.run_dir)


@pytest.mark.slow
def test_killed_at_any_moment_and_resumed(recipe, tmp_path, rows, same_weights):
    """SIGKILL after random delays, a checkpoint at every step, until the run is through."""
    recipe(train=recipe.values["train"] | {"save_every": 1, "steps": 60})
    whole = train(recipe.path, out=tmp_path / "whole")
    script = "import sys; from edgeir.training.run import train; "
    script += "go_on = sys.argv[3] == '1'; "
    script += "train(sys.argv[1], out=sys.argv[2], resume=go_on, overwrite=not go_on)"

    def resumable():
        folder = tmp_path / "cut" / "checkpoints"
        return (folder / "last" / "state.json").is_file() or any(folder.glob(".last.*.tmp.old"))

    for attempt in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(recipe.path), str(tmp_path / "cut"), str(int(resumable()))]
        )
        time.sleep(3.0 + 0.31 * attempt)
        process.kill()
        process.wait()
    train(recipe.path, out=tmp_path / "cut", resume=resumable(), overwrite=True)
    same_weights(whole.run_dir, tmp_path / "cut")
    assert rows(whole.run_dir) == rows(tmp_path / "cut")


def test_two_processes_give_the_loss_curve_of_one(recipe, tmp_path, rows):
    recipe(objective={"losses": [{"kind": "l1"}, {"kind": "ssim", "weight": 0.1}]})
    one = train(recipe.path, out=tmp_path / "one")
    two = train(recipe.path, out=tmp_path / "two", devices=2)
    assert two.steps == 8
    for a, b in zip(rows(one.run_dir), rows(two.run_dir), strict=True):
        assert a.keys() == b.keys()
        for key in a:
            assert b[key] == pytest.approx(a[key], rel=2e-4), key


def test_a_batch_that_the_processes_cannot_share_is_refused(recipe, tmp_path):
    with pytest.raises(ConfigError, match=r"`data.batch` \(=4\) must be divisible by the 3 processes"):
        train(recipe.path, out=tmp_path / "run", devices=3)
    with pytest.raises(ConfigError, match="`devices` is 0 and `num_nodes` 1, both must be at least 1"):
        train(recipe.path, out=tmp_path / "run", devices=0)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is a GPU")
def test_half_precision_without_a_gpu_is_refused(recipe, tmp_path):
    with pytest.raises(ConfigError, match=r"16-mixed needs a GPU.*bf16-mixed"):
        train(recipe(), out=tmp_path / "run", precision="16-mixed")
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.accelerator.is_available(), reason="there is a GPU")
def test_a_number_format_that_the_processor_emulates_is_remarked_on(recipe, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("edgeir.training.preflight._has_bfloat16", lambda: False)
    train(recipe(), out=tmp_path / "slow", overrides=["train.steps=1"], precision="bf16-mixed")
    assert (
        "no instructions for: a step takes about ten times as long as with train.precision=32-true"
        in caplog.text
    )
    caplog.clear()
    train(recipe(), out=tmp_path / "run", overrides=["train.steps=1"])
    monkeypatch.setattr("edgeir.training.preflight._has_bfloat16", lambda: True)
    train(recipe(), out=tmp_path / "quick", overrides=["train.steps=1"], precision="bf16-mixed")
    assert not caplog.text


def diverge(monkeypatch, rate):
    """Let every learning rate be `rate`, far beyond what a recipe may ask for."""
    monkeypatch.setattr("edgeir.training.step.Stepper.rate", lambda self: rate)


def test_nan_names_step_and_term_and_leaves_the_checkpoint(recipe, tmp_path, monkeypatch):
    diverge(monkeypatch, 1e25)
    overrides = ["train.ema=0", "train.save_every=1"]
    with pytest.raises(
        NonFiniteError, match="loss term `l1` is (nan|inf) at step [2-9].*lower optim.lr"
    ) as caught:
        train(recipe.path, out=tmp_path / "run", overrides=overrides)
    assert load_state(tmp_path / "run" / "checkpoints" / "last")[1]["step"] == caught.value.step - 1


def test_a_gradient_that_cannot_be_clipped_ends_the_run_like_any_divergence(recipe, tmp_path, monkeypatch):
    """A gradient of 1e30 leaves the first loss finite, but not its norm: float32 ends at 3e38."""
    overrides = ["train.clip_grad=1"]
    recipe(objective={"losses": [{"kind": "l2"}]})
    forward = PlainSR.forward

    def steep(network, x):
        y = forward(network, x)
        return y + (y - y.detach()) * 1e30

    with monkeypatch.context() as patch:
        patch.setattr(PlainSR, "forward", steep)
        with pytest.raises(TrainingError, match=r"the gradient's norm is inf at step 1 .lower optim.lr"):
            train(recipe.path, out=tmp_path / "run", overrides=overrides)
    diverge(monkeypatch, 1e25)
    with pytest.raises(NonFiniteError, match="loss term `l2` is (nan|inf) at step [2-4]"):
        train(recipe.path, out=tmp_path / "run", overrides=overrides, overwrite=True)


def test_weights_that_the_last_step_ruined_are_not_saved(recipe, tmp_path, monkeypatch):
    """Plain descent at the largest rate that float32 has, on gradients above 1."""
    monkeypatch.setattr(Optim, "build", lambda self, parameters, fused: torch.optim.SGD(parameters, lr=1.0))
    diverge(monkeypatch, 3e38)
    recipe(objective={"losses": [{"kind": "l2", "weight": 1e4}]})
    with pytest.raises(TrainingError, match=r"the weights `\S+` are no longer finite after step 1 .lower"):
        train(recipe.path, out=tmp_path / "run", overrides=["train.steps=1"])
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_run_that_cannot_begin_leaves_nothing(recipe, tmp_path):
    for override in ("data.sources=[{kind: folder, path: /nowhere}]", "data.patch=100", "init=nobody"):
        with pytest.raises(EdgeIRError):
            train(recipe.path, overrides=[override], out=tmp_path / "run")
        assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(EdgeIRError):
        train(recipe.path, overrides=["data.patch=100"], out=tmp_path / "run", overwrite=True)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.txt"]


def test_missing_validation_images_stop_a_run_before_its_store_is_built(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_DATA", str(tmp_path))
    for source in ("{kind: standard, name: Kodak24}", "{kind: folder, path: /nowhere}"):
        with pytest.raises(DataError, match="Kodak24|/nowhere"):
            train(recipe.path, overrides=[f"validation.sources=[{source}]"], out=tmp_path / "run")
        assert not (tmp_path / "cache").exists()
        assert not (tmp_path / "run").exists()


def test_missing_checkpoints_stop_a_run_before_its_store_is_built(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        CheckpointError, match="`runs/nobody` is neither a file, a folder nor a network of the zoo"
    ):
        train(recipe.path, overrides=["init=runs/nobody"])
    first = "there is no such run yet .first: edgeir distill denoising/danet-autoencoder-small.$"
    with pytest.raises(CheckpointError, match=f"^runs/danet-autoencoder-small: {first}"):
        train(recipe.path, overrides=["init=runs/danet-autoencoder-small"])
    folder = "runs/sr-x4-teacher/checkpoints/last"
    recipe(objective={"distillation": {"teacher": folder, "methods": [{"kind": "output"}]}})
    with pytest.raises(CheckpointError, match="first: edgeir train super-resolution/plainsr-teacher"):
        distill(recipe.path)
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "runs").exists()


def test_every_checkpoint_that_a_shipped_recipe_starts_from_can_be_had(tmp_path, monkeypatch):
    """The zoo has it, or the error for its absence names another shipped recipe, or the import of published weights."""
    monkeypatch.chdir(tmp_path)
    recipes = {name: read_yaml(find_asset("recipes", name)) for name in list_assets("recipes")}
    taught = {name: values.get("objective", {}).get("distillation") for name, values in recipes.items()}
    sources = {values.get("fine_tune_from") for values in recipes.values()}
    sources |= {distillation.get("teacher") for distillation in taught.values() if distillation}
    for source in sources - {None, *list_zoo()}:
        with pytest.raises(CheckpointError, match="first: edgeir (train|distill|import) ") as caught:
            resolve_checkpoint(source)
        if "edgeir import " in str(caught.value.fix):
            assert str(caught.value.fix).endswith(f" --out {source}")
            continue
        _, command, maker = str(caught.value.fix).removeprefix("first: ").split()
        assert recipes[maker]["name"] == source.split("/")[1]
        assert (command == "distill") == bool(taught[maker])


def test_overwriting_spares_the_old_run_until_the_new_one_can_begin(recipe, tmp_path):
    train(recipe.path, out=tmp_path / "run", overrides=["train.steps=1"])
    override = "validation.sources=[{kind: folder, path: /nowhere}]"
    with pytest.raises(DataError, match="/nowhere"):
        train(recipe.path, out=tmp_path / "run", overrides=[override], overwrite=True)
    assert load_checkpoint(tmp_path / "run")[1].name == "tiny"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_unexpected_error_before_the_first_row_leaves_nothing_either(recipe, tmp_path, monkeypatch, error):
    def fails(*arguments, **settings):
        raise error("unexpected")

    monkeypatch.setattr("edgeir.training.run.open_store", fails)
    with pytest.raises(error, match="unexpected"):
        train(recipe.path, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_images_smaller_than_a_patch_are_counted(recipe, tmp_path):
    result = train(recipe.path, overrides=["data.rescale=[1.0, 0.25]"], out=tmp_path / "run")
    assert (result.images, result.too_small) == (6, 3)


def test_the_run_folder_is_named_after_the_recipe(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(train(recipe.path, overrides=["train.steps=1"]).run_dir) == "runs/tiny"


def test_an_existing_run_is_not_overwritten(recipe, tmp_path):
    train(recipe.path, out=tmp_path / "run", overrides=["train.steps=1"])
    with pytest.raises(OutputError, match="exists already .pass --resume .*--out, or pass --overwrite"):
        train(recipe.path, out=tmp_path / "run")
    (tmp_path / "run" / "checkpoints" / "best").mkdir(exist_ok=True)
    (tmp_path / "run" / "checkpoints" / "best" / "old").write_text("of the run before")
    train(recipe.path, out=tmp_path / "run", overrides=["train.steps=1", "train.samples=0"], overwrite=True)
    assert not (tmp_path / "run" / "checkpoints" / "best" / "old").exists()
    assert not (tmp_path / "run" / "samples").exists()


def test_resuming_needs_a_checkpoint_and_the_same_recipe(recipe, tmp_path):
    with pytest.raises(CheckpointError, match="nothing to resume"):
        train(recipe.path, out=tmp_path / "run", resume=True)
    train(recipe.path, out=tmp_path / "run", overrides=["train.steps=2"])
    with pytest.raises(ConfigError, match=r"`optim.lr` is 0.5, but the run has 0.001"):
        train(recipe.path, out=tmp_path / "run", resume=True, overrides=["optim.lr=0.5"])
    assert train(recipe.path, out=tmp_path / "run", resume=True).steps == 8  # a longer run of the same recipe
    assert train(recipe.path, out=tmp_path / "run", resume=True).steps == 8  # nothing is left to do
    with pytest.raises(ConfigError, match="`train.steps` is 7, but the run has done 8 steps already"):
        train(recipe.path, out=tmp_path / "run", resume=True, overrides=["train.steps=7"])


def test_distillation_through_the_same_loop(recipe, tmp_path, rows):
    teacher = train(recipe.path, out=tmp_path / "teacher", overrides=["model.channels=6", "model.blocks=2"])
    attention = {"kind": "attention", "weight": 0.5, "student_taps": ["body.0"], "teacher_taps": ["body.1"]}
    settings = {"teacher": str(teacher.run_dir), "methods": [attention, {"kind": "output"}]}
    recipe(objective={"losses": [{"kind": "l1"}], "distillation": settings})
    result = distill(recipe.path, out=tmp_path / "live")
    assert {"loss/l1", "loss/distill/attention", "loss/distill/output"} <= rows(result.run_dir)[0].keys()
    with pytest.raises(ConfigError, match="the recipe has distillation methods.*edgeir distill"):
        train(recipe.path, out=tmp_path / "x")


def test_a_companion_is_trained_and_resumed_bit_for_bit(recipe, tmp_path, rows, same_weights):
    method = {
        "kind": "target-features",
        "extractor": {"kind": "dncnn", "depth": 3, "width": 4, "residual": False},
        "student_taps": ["body.0"],
        "extractor_taps": ["body.0"],
    }
    recipe(
        model={"kind": "dncnn", "depth": 4, "width": 4},
        data=recipe.values["data"] | {"degradation": {"kind": "awgn", "sigma": [5, 50]}},
        objective={"distillation": {"methods": [method]}},
        optim={"lr": 1e-3, "schedule": {"kind": "constant"}},  # whose rate does not depend on the length
    )
    whole = distill(recipe.path, out=tmp_path / "whole")
    distill(recipe.path, overrides=["train.steps=4"], out=tmp_path / "cut")
    distill(recipe.path, out=tmp_path / "cut", resume=True)
    same_weights(whole.run_dir, tmp_path / "cut")
    assert rows(whole.run_dir) == rows(tmp_path / "cut")
    first, last = rows(whole.run_dir)[0], rows(whole.run_dir)[-2]
    assert {"loss/distill/target-features", "loss/distill/extractor"} <= first.keys()
    assert last["loss/distill/extractor"] < first["loss/distill/extractor"]
    state, _ = load_state(whole.run_dir / "checkpoints" / "last")
    assert any(key.startswith("companion/0.head") for key in state)
    recipe(objective={"distillation": {"methods": []}})
    with pytest.raises(ConfigError, match="`teacher` is missing"):
        distill(recipe.path, out=tmp_path / "none")


def test_the_control_without_methods_equals_training_alone(recipe, tmp_path, rows, same_weights):
    alone = train(recipe.path, out=tmp_path / "alone")
    recipe(objective={"distillation": {"teacher": str(alone.run_dir)}})
    control = distill(recipe.path, out=tmp_path / "control")
    same_weights(alone.run_dir, control.run_dir)
    assert not any("distill" in key for row in rows(control.run_dir) for key in row)
    recipe()
    with pytest.raises(ConfigError, match="the recipe has no distillation methods.*edgeir train"):
        distill(recipe.path, out=tmp_path / "y")


def test_cached_teacher_images_equal_the_live_teacher(recipe, tmp_path, rows):
    """Whole-image images differ from the live teacher's patches only near patch borders."""
    teacher = train(recipe.path, out=tmp_path / "teacher")
    losses = {}
    for cache in (False, True):
        settings = {"teacher": str(teacher.run_dir), "methods": [{"kind": "output"}], "cache": cache}
        data = recipe.values["data"] | {"patch": 24, "augment": "none"}
        recipe(objective={"distillation": settings}, data=data)
        result = distill(recipe.path, out=tmp_path / f"run{cache}")
        losses[cache] = rows(result.run_dir)[0]["loss/distill/output"]
    assert losses[True] == pytest.approx(losses[False], rel=0.05)


def test_self_ensembled_images_are_equivariant(recipe, tmp_path):
    from edgeir.training.teacher import _image

    train(recipe.path, out=tmp_path / "teacher")
    network, _, _ = load_checkpoint(tmp_path / "teacher")
    generator = torch.Generator().manual_seed(0)
    lr = torch.randint(0, 256, (12, 16, 3), generator=generator, dtype=torch.uint8).numpy()
    turned = _image(network, lr[::-1].transpose(1, 0, 2).copy(), True)
    assert abs(turned.astype(int) - _image(network, lr, True)[::-1].transpose(1, 0, 2)).max() <= 1
    assert abs(_image(network, lr, True).astype(int) - _image(network, lr, False)).max() > 0


def test_init_starts_from_a_checkpoint_of_the_same_network(recipe, tmp_path):
    first = train(recipe.path, out=tmp_path / "first")
    recipe(init=str(first.run_dir), train=recipe.values["train"] | {"steps": 1}, optim={"lr": 1e-12})
    second = train(recipe.path, out=tmp_path / "second")
    a, b = (load_checkpoint(run)[0].state_dict() for run in (first.run_dir, second.run_dir))
    assert all(torch.allclose(a[key], b[key], atol=1e-6) for key in a)
    recipe(init=str(first.run_dir), model={"kind": "plainsr", "channels": 3, "blocks": 1})
    with pytest.raises(CheckpointError, match="weights are of another network.*instead of"):
        train(recipe.path, out=tmp_path / "third")


def test_training_has_the_threads_of_the_process_whatever_ran_before(recipe, tmp_path):
    first = train(recipe.path, out=tmp_path / "first", overrides=["train.steps=1"])
    seen = []
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        with_one = load(first.run_dir, threads=before)
        with_one.run(np.zeros((8, 8, 3), np.float32))
        train(
            recipe.path,
            out=tmp_path / "second",
            overrides=["train.steps=1"],
            progress=lambda done, total, label: seen.append(torch.get_num_threads()),
        )
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {before + 1}
