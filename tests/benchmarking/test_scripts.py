"""The scripts of benchmarks/: what they compute, on tiny examples."""

import ast
import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch

from edgeir.benchmarking.quality.evaluate import evaluate
from edgeir.benchmarking.suite import load_suite
from edgeir.core.assets import list_assets
from edgeir.core.shipped import recipe_of_run
from edgeir.training.recipe import load_recipe

ROOT = Path(__file__).resolve().parents[2]


def script(name, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(
        sys.modules, name, module
    )  # the configuration classes look their annotations up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def high_level(monkeypatch):
    return script("high_level", monkeypatch)


def test_joint_and_cross_task_are_of_the_right_denoisers(high_level):
    def run(seed, accuracy):
        miou = {name: 100 - value for name, value in accuracy.items()}
        return {"sigma": 60, "seed": seed} | {
            name: {"accuracy": accuracy[name], "miou": miou[name], "psnr_db": 20.0} for name in accuracy
        }

    first = {"clean": 99, "noisy": 20, "separate": 60, "classification": 70, "segmentation": 64}
    runs = [run(0, first), run(1, {**first, "separate": 58, "classification": 72})]
    classes, strokes = (high_level.row(task, 60, runs) for task in high_level.NETWORKS)
    assert classes["task"] == "classification, accuracy %"
    # Of two runs the half-width is 12.706 times half their distance.
    assert classes["joint"] == "71.00 ± 12.71"
    assert classes["joint - separate"] == "+12.00 ± 25.41"  # 10 and 14, paired by seed
    assert classes["cross-task - separate"] == "+5.00 ± 12.71"
    assert strokes["joint"] == "36.00"  # 100 - 64, both times
    assert strokes["cross-task"] == "29.00 ± 12.71"


def test_the_table_of_the_result_file_is_computed_from_its_runs(high_level):
    value = json.loads((ROOT / "benchmarks" / "results" / "high-level.json").read_text())
    made = high_level.table_of(value["runs"])
    assert {key: value[key] for key in made} == made


def test_every_denoiser_of_the_small_case_has_the_same_steps_and_data(high_level):
    variants = ("separate", *high_level.NETWORKS)
    recipes = []
    for name in variants:
        base = high_level.SEPARATE if name == "separate" else high_level.JOINT
        recipes.append(load_recipe(base, high_level.overrides(Path("runs"), name, 30, 2)))
    sources = {source.model_copy(update={"labels": "digit"}) for r in recipes for source in r.data.sources}
    assert len(sources) == 1
    for field in ("model", "optim", "train"):
        assert len({getattr(recipe, field).model_dump_json() for recipe in recipes}) == 1
    assert len({recipe.objective.losses for recipe in recipes}) == 1
    weights = [recipe.objective.distillation.methods[0].weight for recipe in recipes[1:]]
    assert weights == [0.25, 0.5]


def test_iou_and_accuracy_are_in_per_cent(high_level):
    scores = importlib.import_module("high_level_networks").score
    labels = torch.tensor([[[0, 0], [1, 1]]])
    guess = torch.tensor([[[0.0, 1.0], [1.0, 1.0]]])
    network = lambda x: torch.stack([0.5 - guess, guess - 0.5], 1)  # noqa: E731
    assert scores("segmentation", network, torch.zeros(1, 3, 2, 2), labels) == pytest.approx(
        100 * (1 / 2 + 2 / 3) / 2
    )
    classes = lambda x: torch.eye(3)  # noqa: E731
    assert scores(
        "classification", classes, torch.zeros(3, 3, 2, 2), torch.tensor([0, 1, 1])
    ) == pytest.approx(200 / 3)


@pytest.fixture
def small(monkeypatch):
    return script("small", monkeypatch)


def test_every_small_recipe_is_measured_somewhere(small):
    recipes = {name for name in list_assets("recipes") if name.endswith("-small")}
    on_digits = {name for name in recipes if name.startswith("denoising/digits-")}  # by high_level.py
    needed = {
        recipe_of_run(run)[0] for name in small.SUITES for run in small.runs_named_in(load_recipe(name))
    }
    assert "denoising/danet-autoencoder-small" in needed
    assert recipes - on_digits == {*small.SUITES, *needed}
    for recipe, suite in small.SUITES.items():
        assert load_recipe(recipe).model.scale == load_suite(suite).scale, recipe


def test_a_small_recipe_is_trained_and_measured_once(small, tmp_path, monkeypatch):
    few = ["train.steps=2", "train.log_every=1", "train.samples=0", "validation.limit=1", "data.batch=1"]
    finish, trained = small.finish, []

    def short(recipe, overrides, out):
        trained.append(recipe)
        return finish(recipe, [*overrides, *few], out)

    monkeypatch.setattr(small, "SUITES", {"super-resolution/demo": "embedded-x4"})
    monkeypatch.setattr(small, "RESULTS", tmp_path)
    monkeypatch.setattr(small, "finish", short)
    monkeypatch.chdir(tmp_path)
    small.main([])
    small.main([])
    assert trained == ["super-resolution/demo"]
    [row] = json.loads((tmp_path / "small-recipes.json").read_text())["rows"]
    bicubic = evaluate("bicubic", "embedded-x4")["rows"][0]["quality"]["sets"][0]
    assert (row["input dB"], row["input SSIM"]) == (round(bicubic["psnr_db"], 2), round(bicubic["ssim"], 4))
    assert row["gain dB"] == pytest.approx(row["restored dB"] - row["input dB"], abs=0.011)
    assert row["minutes"] >= 0


@pytest.mark.slow
def test_training_speed_measures_every_loop_and_part(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path))
    speed = script("training_speed", monkeypatch)
    before = torch.get_num_threads()
    speed.main(
        ["--rounds", "1", "--turn", "1", "--setting", "plainsr-m", "--out", str(tmp_path / "result.json")]
    )
    assert torch.get_num_threads() == before
    result = json.loads((tmp_path / "result.json").read_text())
    assert [row["loop"] for row in result["rows"]] == ["edgeir", "torch, plain", "torch, with branches"]
    assert [row["times the plain loop"] for row in result["rows"]][1] == "1.000 (1.000 to 1.000)"
    assert all(value >= 0 for value in result["parts_ms"].values())
    # Forward 8 patches of 48x48 through 109 K weights, and twice that backward, less the input's own gradient.
    assert speed.training_macs(8, 48) == pytest.approx(3 * 8 * 48 * 48 * 108e3, rel=0.05)


SCRIPTS = sorted(path for folder in ("benchmarks", "tools") for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.relative_to(ROOT).as_posix() for path in SCRIPTS])
def test_what_a_script_imports_from_edgeir_is_there(path):
    """They are run by hand and seldom: what is renamed in edgeir must not wait until then."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "edgeir":
            module = importlib.import_module(str(node.module))
            for entry in node.names:
                if not hasattr(module, entry.name):
                    importlib.import_module(f"{node.module}.{entry.name}")
