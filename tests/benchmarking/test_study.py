"""Studies: what a file may say, that runs are resumed and not repeated, and what is computed of them."""

import json
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeir.benchmarking.study import run as study_module
from edgeir.benchmarking.study.config import Study, load_study, recipes_of, suites_of
from edgeir.benchmarking.study.result import read_study_result, rows_of
from edgeir.benchmarking.study.run import study
from edgeir.core.config import parse
from edgeir.core.errors import ConfigError, OutputError

ROOT = Path(__file__).resolve().parents[2]
VALUES = {
    "name": "tiny",
    "about": "a study",
    "recipe": "super-resolution/demo",
    "common": ["train.steps=2"],
    "reference": "alone",
    "seeds": [0, 1],
    "variants": {
        "alone": {"about": "control", "overrides": ["objective.distillation.methods=[]"]},
        "taught": {"about": "teacher"},
        "slower": {"about": "more", "follows": "taught", "overrides": ["optim.lr=1e-3"]},
    },
}
RECIPE = """
name: small
task: super-resolution
model: {kind: plainsr, scale: 4, channels: 4, blocks: 1}
data:
  sources: [{kind: folder, path: IMAGES}]
  patch: 8
  batch: 2
train: {steps: 4, validate_every: 4, save_every: 2, log_every: 1, samples: 0}
validation: {sources: [{kind: folder, path: IMAGES}], limit: 1, size: 32}
"""
SUITE = """
name: two-images
title: two
sets: [{name: two, source: {kind: folder, path: IMAGES}}]
degradation: {kind: bicubic, scale: 4, flavour: matlab}
protocol: sr-x4
metrics: [psnr]
"""
STUDY = """
name: tiny
about: two learning rates
recipe: RECIPE
reference: slow
seeds: [0, 1]
suites: [SUITE]
variants:
  slow: {about: slow, overrides: [optim.lr=1e-4]}
  fast: {about: fast, overrides: [optim.lr=1e-2]}
"""


def of(**changes):
    return parse(Study, VALUES | changes, where="tiny")


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """A folder with images, a recipe, a suite and a study of them; trainings take part of a second."""
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    for index in range(2):
        pixels = np.random.default_rng(index).integers(0, 256, (12, 14, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((56, 48), Image.Resampling.BICUBIC).save(
            tmp_path / "images" / f"{index}.png"
        )
    (tmp_path / "small.yaml").write_text(RECIPE.replace("IMAGES", str(tmp_path / "images")))
    (tmp_path / "suite.yaml").write_text(SUITE.replace("IMAGES", str(tmp_path / "images")))
    text = STUDY.replace("RECIPE", str(tmp_path / "small.yaml")).replace(
        "SUITE", str(tmp_path / "suite.yaml")
    )
    (tmp_path / "study.yaml").write_text(text)
    return tmp_path


def test_a_study_from_end_to_end(workshop, monkeypatch):
    seen = []
    outcome = study("study.yaml", out="out", progress=lambda done, total, label: seen.append(label))
    assert (outcome.path, outcome.finished, outcome.runs) == (Path("out/study-tiny.json"), 4, 4)
    result = read_study_result(outcome.path)
    assert result == outcome.result
    assert list(result.variants) == ["slow", "fast"]
    assert result.protocols["two-images"]["round_y"] is False
    slow, fast = result.variants.values()
    assert [run.seed for run in fast.runs] == [0, 1]
    assert (slow.against, fast.against) == (None, "slow")
    gains = [b.psnr_db["two"] - a.psnr_db["two"] for a, b in zip(slow.runs, fast.runs, strict=True)]
    assert fast.difference_db["two"].mean == pytest.approx(np.mean(gains))
    assert fast.difference_db["two"].ci95 == pytest.approx(
        12.7062 * np.std(gains, ddof=1) / np.sqrt(2), rel=1e-4
    )
    assert len({run.psnr_db["two"] for variant in result.variants.values() for run in variant.runs}) == 4
    assert any("run 3 of 4, slow seed 1: " in label for label in seen)
    with pytest.raises(OutputError, match="exists already"):
        study("study.yaml", out="out")
    # What was measured is not measured again, and the result is the same.
    monkeypatch.setattr(study_module, "evaluate", lambda *a, **k: pytest.fail("measured again"))
    again = study("study.yaml", out="out", overwrite=True).result
    assert again.variants == result.variants


def test_a_stopped_study_goes_on_where_it_was(workshop, monkeypatch):
    whole = study("study.yaml", out="whole", runs="whole-runs").result
    real, calls = study_module.train, []

    def press_ctrl_c(done, total, label):
        if (done, total) == (2, 4):
            signal.raise_signal(signal.SIGINT)

    def stopping(recipe, **arguments):
        calls.append((str(arguments["out"]), arguments["resume"]))
        if len(calls) == 3:  # halfway through the third run
            arguments["progress"] = press_ctrl_c
        return real(recipe, **arguments)

    monkeypatch.setattr(study_module, "train", stopping)
    outcome = study("study.yaml", out="out")
    assert (outcome.stopped, outcome.finished, outcome.runs) == (True, 2, 4)
    assert not Path("out").exists()
    outcome = study("study.yaml", out="out")
    assert not outcome.stopped
    folders = [f"runs/studies/tiny/{name}" for name in ("slow-0", "fast-0", "slow-1", "fast-1")]
    first, then = calls[:3], calls[3:]
    assert first == [(folder, False) for folder in folders[:3]]
    assert then == [*((folder, True) for folder in folders[:3]), (folders[3], False)]
    assert outcome.result.variants == whole.variants  # bit for bit, stopped or not


def test_differences_are_paired_by_seed():
    scores = {
        "alone": {0: {"Set5": 30.0}, 1: {"Set5": 30.2}},
        "taught": {0: {"Set5": 30.1}, 1: {"Set5": 30.4}},
        "slower": {0: {"Set5": 30.0}, 1: {"Set5": 30.0}},
    }
    result = study_module._result(of(), suites_of(of(suites=["set5-x4"])), scores, ())
    alone, taught, slower = (result.variants[name] for name in VALUES["variants"])
    assert alone.psnr_db["Set5"].mean == pytest.approx(30.1)
    assert not alone.difference_db
    assert taught.difference_db["Set5"].model_dump() == pytest.approx(
        {"mean": 0.15, "std": 0.0707, "min": 0.1, "max": 0.2, "ci95": 0.6353}, abs=1e-3
    )
    assert slower.overrides == ("train.steps=2", "optim.lr=1e-3")
    assert slower.against == "alone"
    assert result.rows[1]["Set5 difference dB"] == "+0.150 ± 0.635 (+0.100 to +0.200)"
    assert result.teacher["name"] == "sr-x4"
    assert len(result.teacher["weights_sha256"]) == 64


def test_a_ladder_compares_each_step_with_the_one_before():
    ladder = of(reference="previous", seeds=[0])
    scores = {name: {0: {"Set5": value}} for name, value in zip(ladder.variants, (30, 30.1, 30), strict=True)}
    result = study_module._result(ladder, suites_of(of(suites=["set5-x4"])), scores, ())
    assert result.variants["slower"].against == "taught"
    assert result.variants["taught"].against is None
    assert result.rows[2]["Set5 difference dB"] == "-0.100"
    assert result.variants["slower"].difference_db["Set5"].ci95 is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reference": "nobody"}, "no variant is called nobody"),
        ({"seeds": [1, 1]}, "a seed is given twice"),
        ({"seeds": []}, "`seeds`"),
        ({"seeds": [-1]}, "`seeds.0`"),
        ({"name": "../x"}, "`../x` must be letters"),
        ({"variants": {"a/b": {"about": "x"}}, "reference": "a/b"}, "`a/b` must be letters"),
        ({"variants": {}, "reference": "previous"}, "`variants`"),
        ({"sedes": [1]}, "did you mean `seeds`"),
        (
            {
                "reference": "a",
                "variants": {"a": {"about": "x", "follows": "b"}, "b": {"about": "y", "follows": "a"}},
            },
            "`a` follows itself",
        ),
    ],
)
def test_mistakes_in_a_study_are_one_line(change, message):
    with pytest.raises(ConfigError) as caught:
        of(**change)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_variants_with_other_steps_or_none_of_their_own_are_refused():
    longer = {**VALUES["variants"], "longer": {"about": "more", "overrides": ["train.steps=3"]}}
    with pytest.raises(ConfigError, match="do not have equal steps: alone 2, taught 2, slower 2, longer 3"):
        recipes_of(of(variants=longer))
    halved = {"a": {"about": "x"}, "b": {"about": "y", "overrides": ["data.batch=4", "train.steps=4"]}}
    assert len(recipes_of(of(variants=halved, reference="a", equal="pixels"))) == 2
    twins = {**VALUES["variants"], "twin": {"about": "the same"}}
    with pytest.raises(ConfigError, match="the variants taught and twin are the same training"):
        recipes_of(of(variants=twins))
    wrong = {**VALUES["variants"], "wrong": {"about": "x", "overrides": ["train.stepz=3"]}}
    with pytest.raises(ConfigError, match="study tiny, variant wrong: .*did you mean `steps`"):
        recipes_of(of(variants=wrong))
    with pytest.raises(ConfigError, match="the set CBSD68 is in two of the suites"):
        suites_of(of(suites=["cbsd68-awgn25", "cbsd68-awgn50"]))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "benchmarks" / "studies").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_study_of_the_repository_resolves(path):
    own = load_study(path)
    assert own.name == path.stem
    scales = {recipe.model.scale for recipe in recipes_of(own).values()}
    assert {suite.scale for suite in suites_of(own)} == scales


@pytest.mark.parametrize(
    "path", sorted((ROOT / "benchmarks" / "results").glob("study-*.json")), ids=lambda path: path.stem
)
def test_every_result_of_the_repository_is_read(path):
    result = read_study_result(path)
    rows = rows_of(result.variants)
    assert [row["variant"] for row in rows] == list(result.variants)
    for name, variant in result.variants.items():
        for key, stored in variant.difference_db.items():
            (row,) = [row for row in rows if row["variant"] == name]
            assert float(row[f"{key} difference dB"].split()[0]) == pytest.approx(stored.mean, abs=6e-4)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is not JSON"), ("[]", "is not the result of a study"), ("{}", "is not the")],
)
def test_another_file_is_no_study_result(tmp_path, content, message):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(ConfigError, match=message):
        read_study_result(tmp_path / "x.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_study_result(tmp_path / "none.json")


def test_a_damaged_measurement_is_made_anew(workshop):
    first = study("study.yaml", out="out").result
    kept = sorted(Path("runs/studies/tiny/measured").glob("*.json"))
    assert len(kept) == 4
    kept[0].write_text("{")
    value = json.loads(kept[1].read_text())
    kept[1].write_text(json.dumps({**value, "weights_sha256": "other", "psnr_db": {"two": 99.0}}))
    assert study("study.yaml", out="out", overwrite=True).result.variants == first.variants
