"""Networks of another package in training: alone, as teacher, student and peer, in one process and in two."""

import pytest
import torch

from edgeir.checkpoint.load import load_checkpoint
from edgeir.core.errors import ConfigError, UntrustedCodeError
from edgeir.core.trust import trusting_code
from edgeir.training.recipe import load_recipe
from edgeir.training.run import distill, train


@pytest.fixture
def foreign(recipe, package):
    """The tiny recipe with a network of another package; `foreign(...)` changes what is stated of it."""

    def write(**changes):
        model = {
            "kind": "module",
            "factory": f"{package[0]}:Tiny",
            "arguments": {"width": 4, "scale": 4},
            "task": "super-resolution",
            "scale": 4,
            "receptive_radius": 2,
            "taps": ["head"],
        }
        return recipe(model=model | changes)

    return write


def test_nothing_is_run_decoded_or_written_without_permission(foreign, package, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("decoded")

    path = foreign()
    assert load_recipe(path).model.facts.scale == 4  # to show a recipe runs nothing
    monkeypatch.setattr("edgeir.training.run.open_store", never)
    with pytest.raises(
        UntrustedCodeError, match=r"model.factory: `theirs_.*:Tiny` \(.*theirs_.*py\) is code of"
    ):
        train(path, out=tmp_path / "run")
    assert not package[1].exists()
    assert not (tmp_path / "run").exists()


def test_facts_that_are_wrong_are_found_before_anything_is_decoded(foreign, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("decoded")

    monkeypatch.setattr("edgeir.training.run.open_store", never)
    with pytest.raises(ConfigError, match="`receptive_radius` is 1, but the output depends on pixels 2 away"):
        train(foreign(receptive_radius=1), out=tmp_path / "run", trust_code=True)
    with pytest.raises(ConfigError, match=r"`data.patch` is 8, but the networks take multiples of 3"):
        train(foreign(size_multiple=3), out=tmp_path / "run", trust_code=True)
    with pytest.raises(ConfigError, match=r"`model.scale` is 2"):
        train(foreign(scale=2), out=tmp_path / "run", trust_code=True)


def test_it_trains_resumes_and_goes_on_in_two_processes(foreign, tmp_path, rows, same_weights):
    path = foreign()
    steady = "optim.schedule={kind: constant}"
    whole = train(path, overrides=[steady], out=tmp_path / "whole", trust_code=True)
    train(path, overrides=[steady, "train.steps=4"], out=tmp_path / "half", trust_code=True)
    with pytest.raises(UntrustedCodeError):
        train(path, overrides=[steady], out=tmp_path / "half", resume=True)
    train(path, overrides=[steady], out=tmp_path / "half", resume=True, trust_code=True)
    same_weights(whole.run_dir, tmp_path / "half")
    two = train(path, overrides=[steady], out=tmp_path / "two", devices=2, trust_code=True)
    losses = [[row["loss"] for row in rows(run) if "loss" in row] for run in (whole.run_dir, two.run_dir)]
    assert losses[0] == pytest.approx(losses[1], rel=2e-4)


def test_it_teaches_learns_and_starts_from_itself(foreign, tmp_path):
    path = foreign()
    teacher = train(path, out=tmp_path / "teacher", trust_code=True).run_dir
    methods = "[{kind: attention, student_taps: [head], teacher_taps: [head]}, {kind: output}]"
    follow = [f"objective.distillation={{teacher: {teacher}, methods: {methods}}}", "train.steps=2"]
    with pytest.raises(UntrustedCodeError, match=r"model.factory"):
        distill(path, overrides=follow, out=tmp_path / "student")
    own = [*follow, "model={kind: plainsr, channels: 4, blocks: 1}"]
    own[0] = own[0].replace("student_taps: [head]", "student_taps: [body.0]")
    with pytest.raises(UntrustedCodeError):
        distill(path, overrides=own, out=tmp_path / "student")
    assert not (tmp_path / "student").exists()
    assert distill(path, overrides=own, out=tmp_path / "student", trust_code=True).steps == 2
    assert distill(path, overrides=follow, out=tmp_path / "both", trust_code=True).steps == 2
    start = [f"init={teacher}", "train.steps=1"]
    with pytest.raises(UntrustedCodeError):
        train(path, overrides=start, out=tmp_path / "started")
    train(path, overrides=start, out=tmp_path / "started", trust_code=True)
    with trusting_code():
        before, after = (load_checkpoint(run)[0].state_dict() for run in (teacher, tmp_path / "started"))
    assert all(torch.allclose(before[key], after[key], atol=0.01) for key in before)


def test_a_peer_of_another_package_needs_permission(foreign, tmp_path, package):
    path = foreign()
    peer = (
        f'{{kind: module, factory: "{package[0]}:Tiny", arguments: {{scale: 4}}, task: x, scale: 4, '
        "receptive_radius: 2}"
    )
    changes = [
        "model={kind: plainsr, channels: 4, blocks: 1}",
        f"objective.distillation={{methods: [{{kind: mutual, peer: {peer}}}]}}",
        "train.steps=1",
    ]
    with pytest.raises(UntrustedCodeError):
        distill(path, overrides=changes, out=tmp_path / "run")
    assert distill(path, overrides=changes, out=tmp_path / "run", trust_code=True).steps == 1
