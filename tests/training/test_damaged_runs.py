"""Resuming from files that were changed: every mutation is found in one line, or changes nothing."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from edgeir.cli.app import main
from edgeir.core.errors import CheckpointError, EdgeIRError
from edgeir.training.run import train

LAST = "checkpoints/last"
FILES = [
    f"{LAST}/state.json",
    f"{LAST}/state.safetensors",
    f"{LAST}/card.json",
    "metrics.jsonl",
    "recipe.yaml",
]


@pytest.fixture
def cut(recipe, tmp_path):
    """A run of four of its eight steps."""
    recipe(optim={"lr": 1e-3, "schedule": {"kind": "constant"}})
    return train(recipe.path, overrides=["train.steps=4"], out=tmp_path / "cut").run_dir


@pytest.fixture
def finished(recipe, tmp_path, cut):
    """Another run, of all eight."""
    return train(recipe.path, out=tmp_path / "whole").run_dir


def mutated(data, rng):
    data, place = bytearray(data), int(rng.integers(len(data)))
    kind = int(rng.integers(6))
    if kind == 0:
        data[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        data[place] = int(rng.integers(256))
    elif kind == 2:
        data[place : place + 64] = bytes(len(data[place : place + 64]))
    elif kind == 3:
        del data[place:]
    elif kind == 4:
        data[place:place] = rng.bytes(3)
    else:
        digits = [at for at, value in enumerate(data) if 48 <= value < 58] or [place]
        data[digits[int(rng.integers(len(digits)))]] = 48 + int(rng.integers(10))
    return bytes(data)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused_or_changes_nothing(
    recipe, cut, finished, tmp_path, rows, same_weights, name
):
    rng = np.random.default_rng(FILES.index(name))
    sound = (cut / name).read_bytes()
    refused = 0
    for _ in range(25):
        data = mutated(sound, rng)
        run = tmp_path / "mutated"
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(cut, run)
        (run / name).write_bytes(data)
        try:
            train(recipe.path, out=run, resume=True)
        except EdgeIRError as error:
            lines = str(error).splitlines()
        else:
            same_weights(finished, run)
            continue
        assert len(lines) == 1
        refused += 1
    assert (refused > 0) == (name != "metrics.jsonl")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop("raw/head.conv.conv.bias"), "`head.conv.conv.bias` is missing"),
        (lambda tensors: tensors.update({"raw/more": torch.zeros(1)}), "`more` is unknown"),
        (lambda tensors: tensors["raw/head.conv.conv.bias"].fill_(float("nan")), "is not finite"),
        (lambda tensors: tensors["optim/0/exp_avg"].fill_(float("inf")), "`optim/0/exp_avg` is not finite"),
        (lambda tensors: tensors.update({"optim/0/exp_avg": torch.zeros(2, 2)}), "`0/exp_avg` is .* .2, 2."),
        (lambda tensors: tensors.update({"optim/999/exp_avg": torch.zeros(2)}), "has no parameter `999`"),
        (lambda tensors: tensors.update({"optim/x/exp_avg": torch.zeros(2)}), "has no parameter `x`"),
        (lambda tensors: tensors.update({"optim/0/step": torch.zeros((), dtype=torch.int8)}), "`0/step` is torch.int8"),
        (lambda tensors: tensors.pop("optim/0/exp_avg"), "other things of some parameters"),
        (lambda tensors: tensors.pop("average/head.conv.conv.bias"), "averaged weights are of another network"),
        (lambda tensors: tensors.update({"more/x": torch.zeros(1)}), "it holds `more`"),
    ],
)  # fmt: skip
def test_a_state_of_another_network_is_refused_also_without_hashes(recipe, cut, change, message):
    """An earlier version wrote none."""
    path = cut / LAST / "state.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    forget_hashes(cut)
    with pytest.raises(CheckpointError, match=message):
        train(recipe.path, out=cut, resume=True)


@pytest.mark.parametrize(
    "change",
    [
        {"step": -1}, {"step": "4"}, {"step": 4.5}, {"step": True}, {"step": 10**30}, {"step": None},
        {"best_psnr_db": float("nan")}, {"best_psnr_db": "x"}, {"validation": []}, {"validation": {"psnr_db": 3}},
        {"validation": {"psnr_db": float("nan"), "step": 4}}, {"validation": {"psnr_db": 9.0, "step": 400}},
        {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_values_that_no_run_has_are_refused(recipe, cut, change):
    forget_hashes(cut, **change)
    with pytest.raises(CheckpointError, match="the state of the run is damaged: .*fine_tune_from=<this run>"):
        train(recipe.path, out=cut, resume=True)


def test_a_state_of_an_earlier_version_is_resumed(recipe, cut, finished, rows, same_weights):
    """Without hashes, and with a card that says nothing of the images."""
    forget_hashes(cut)
    card = json.loads((cut / LAST / "card.json").read_text())
    del card["provenance"]["images"]
    (cut / LAST / "card.json").write_text(json.dumps(card))
    train(recipe.path, out=cut, resume=True)
    same_weights(finished, cut)
    assert rows(finished) == rows(cut)


def forget_hashes(run, **changes):
    path = run / LAST / "state.json"
    values = json.loads(path.read_text())
    del values["sha256"]
    path.write_text(json.dumps(values | changes))


def test_the_command_says_what_is_damaged_and_what_to_do(recipe, cut, capsys):
    data = bytearray((cut / LAST / "state.safetensors").read_bytes())
    data[-1] ^= 1
    (cut / LAST / "state.safetensors").write_bytes(data)
    assert main(["train", str(recipe.path), "--out", str(cut), "--resume", "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"edgeir: error: {cut / LAST}: the state of the run is damaged: state.safetensors does not match its sha256 "
        "(the weights may be sound: start a new run with fine_tune_from=<this run>/checkpoints/best)"
    )


@pytest.mark.parametrize(
    "bad", [b"{", b"\xff\xfe", b"[1]", b'{"loss": 1}', b"null", b'{"step": "2"}', b"[" * 9999]
)
def test_a_damaged_line_of_metrics_is_left_out_and_reported_and_the_others_stay(
    recipe, cut, finished, rows, caplog, bad
):
    path = cut / "metrics.jsonl"
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:2], bad, *lines[2:], b'{"step": 4, "lo']))
    train(recipe.path, out=cut, resume=True)
    assert rows(cut) == rows(finished)
    assert f"{path}: 1 damaged lines were left out (3)" in caplog.text
