"""A disk that fills up while a network trains: one line, exit code 2, and the last checkpoint is whole."""

import errno
import os
import subprocess
import sys

import pytest

import edgeir.checkpoint.save
import edgeir.training.record
from edgeir.checkpoint.load import load_checkpoint
from edgeir.checkpoint.state import load_state
from edgeir.cli.app import main
from edgeir.training.run import train

CONSTANT = "optim.schedule={kind: constant}"


def after(calls, function):
    """`function`, which finds the disk full after so many calls."""
    left = [calls]

    def call(*arguments, **settings):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return function(*arguments, **settings)

    return call


@pytest.mark.parametrize(
    ("owner", "name", "calls"),
    [
        (edgeir.checkpoint.save, "_write", 0),
        (edgeir.checkpoint.save, "_write", 1),
        (edgeir.training.record.Image.Image, "save", 0),
        (edgeir.training.record.json, "dumps", 3),
    ],
    ids=["weights", "state", "sample", "metrics"],
)
def test_wherever_the_disk_is_found_full(
    recipe, tmp_path, monkeypatch, capsys, same_weights, owner, name, calls
):
    whole = train(recipe.path, overrides=[CONSTANT], out=tmp_path / "whole")
    run = tmp_path / "run"
    train(recipe.path, overrides=["train.steps=4", CONSTANT], out=run)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, after(calls, getattr(owner, name)))
        assert main(["train", str(recipe.path), CONSTANT, "--out", str(run), "--resume", "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"edgeir: error: {run}")
    assert line.endswith(": the disk is full (free some space or write to another disk)")
    load_checkpoint(run / "checkpoints" / "last")
    assert not list(run.rglob("*.tmp*"))
    train(recipe.path, overrides=[CONSTANT], out=run, resume=True)
    same_weights(whole.run_dir, run)


LIMITED = """
import resource, sys
from edgeir.training.run import train
from edgeir.core.errors import EdgeIRError
def progress(done, total, label):
    if (done, total) == (3, 8):
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    train(sys.argv[1], out=sys.argv[2], progress=progress)
except EdgeIRError as error:
    print(error)
"""


def test_the_system_refuses_to_write_more(recipe, tmp_path):
    """Nothing is simulated here: the process may write 4 KiB into a file, from its third step on."""
    pytest.importorskip("resource")
    run = tmp_path / "run"
    command = [sys.executable, "-c", LIMITED, str(recipe.path), str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{run}/")
    assert "the file is larger than this disk or your limits allow (see `ulimit -f`" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert load_state(run / "checkpoints" / "last")[1]["step"] == 2
    assert train(recipe.path, out=run, resume=True).steps == 8


def test_metrics_that_cannot_be_written(recipe, tmp_path, capsys):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.yaml").write_text("{}")
    (run / "metrics.jsonl").symlink_to("/dev/full")
    assert main(["train", str(recipe.path), "--out", str(run), "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"edgeir: error: {run}: the disk is full (free some space or write to another disk)"
