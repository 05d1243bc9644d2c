"""Runs that were killed, run folders that belong to others: what a second command finds there, and what it does."""

import os
import signal
import subprocess
import sys
import time

import pytest

from edgeir.checkpoint.state import load_state
from edgeir.core import leftovers
from edgeir.core.errors import CheckpointError, OutputError
from edgeir.training.run import train

CHILD = """
import os, sys
from edgeir.training.run import train
recipe, out, action = sys.argv[1:4]
def progress(done, total, label):
    if total == 8 and done == int(sys.argv[4]):
        if action == "die":
            os.kill(os.getpid(), 9)
        print("at work", flush=True)
        sys.stdin.read()
train(recipe, out=out, progress=progress)
"""


def child(recipe, out, action, at, **streams):
    command = [sys.executable, "-c", CHILD, str(recipe.path), str(out), action, str(at)]
    return subprocess.Popen(command, text=True, **streams)


def killed(recipe, out, at):
    process = child(recipe, out, "die", at)
    assert process.wait(timeout=120) == -signal.SIGKILL


def hidden(folder):
    return sorted(path.name for path in folder.rglob(".*") if path.name != ".lock")


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_killed_before_its_first_checkpoint_starts_again(
    recipe, tmp_path, rows, same_weights, caplog, resume
):
    whole = train(recipe.path, out=tmp_path / "whole")
    killed(recipe, tmp_path / "cut", 1)
    assert [row["step"] for row in rows(tmp_path / "cut")] == [1]
    assert not (tmp_path / "cut" / "checkpoints").exists()
    again = train(recipe.path, out=tmp_path / "cut", resume=resume)
    assert again.steps == 8
    assert ("has no checkpoint yet: it starts at step 0" in caplog.text) == resume
    same_weights(whole.run_dir, tmp_path / "cut")
    assert rows(whole.run_dir) == rows(tmp_path / "cut")


def tag_of_a_dead_process() -> str:
    """What marks a temporary name of a process on this machine that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return f"edgeir-{leftovers._machine()}-{process.pid}-abcd1234"


def test_what_a_kill_left_is_cleared_away(recipe, tmp_path, same_weights):
    whole = train(recipe.path, out=tmp_path / "whole")
    run = tmp_path / "cut"
    killed(recipe, run, 5)
    tag = tag_of_a_dead_process()
    for name in (
        f"checkpoints/.last.{tag}.tmp/weights.safetensors",
        f"checkpoints/.best.{tag}.tmp.old/card.json",
        f"samples/.0-0000004.{tag}.tmp.png",
        f".recipe.{tag}.tmp.yaml",
        f".metrics.{tag}.tmp.jsonl",
    ):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text("half")
    train(recipe.path, out=run, resume=True)
    assert hidden(run) == []
    same_weights(whole.run_dir, run)


def test_a_kill_between_the_two_renames_of_a_checkpoint_is_settled(recipe, tmp_path, rows, same_weights):
    whole = train(recipe.path, out=tmp_path / "whole")
    run = tmp_path / "cut"
    killed(recipe, run, 5)
    (run / "checkpoints" / "last").rename(run / "checkpoints" / f".last.{tag_of_a_dead_process()}.tmp.old")
    with pytest.raises(OutputError, match="pass --resume to go on"):
        train(recipe.path, out=run)
    train(recipe.path, out=run, resume=True)
    same_weights(whole.run_dir, run)
    assert rows(whole.run_dir) == rows(run)


def test_a_second_process_in_the_same_run_folder_is_refused_and_a_killed_one_holds_nothing(
    recipe, tmp_path, rows
):
    run = tmp_path / "run"
    process = child(recipe, run, "wait", 3, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "at work\n"
    before = rows(run)
    for settings in ({}, {"resume": True}, {"overwrite": True}):
        with pytest.raises(
            OutputError, match=f"^{run}: another process is training in this folder .wait for it"
        ):
            train(recipe.path, out=run, **settings)
    assert rows(run) == before
    assert (run / "checkpoints" / "last").is_dir()
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert train(recipe.path, out=run, resume=True).steps == 8


def test_the_lock_is_free_after_a_run_and_in_a_folder_that_became_none(recipe, tmp_path):
    with pytest.raises(CheckpointError, match="nothing to resume from .run without --resume"):
        train(recipe.path, out=tmp_path / "a" / "b", resume=True)
    assert not (tmp_path / "a").exists()
    for overwrite in (False, True):
        train(recipe.path, out=tmp_path / "a" / "b", overrides=["train.steps=1"], overwrite=overwrite)


@pytest.mark.parametrize("name", ["notes.txt", "samples/mine.png", "checkpoints/mine.bin"])
def test_a_folder_that_is_no_run_is_not_replaced(recipe, tmp_path, name):
    """Its `samples` may be anybody's."""
    folder = tmp_path / "mine"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("mine")
    (folder / ".mine.1.tmp").write_text("mine")
    for settings, problem in (({}, "exists already"), ({"overwrite": True}, "is no run of edgeir")):
        with pytest.raises(OutputError, match=problem):
            train(recipe.path, out=folder, **settings)
    with pytest.raises(CheckpointError, match="nothing to resume"):
        train(recipe.path, out=folder, resume=True)
    left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert left == sorted([".mine.1.tmp", name])


def test_a_file_in_place_of_the_folder_is_refused(recipe, tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        train(recipe.path, out=tmp_path / "run", overwrite=True)
    assert (tmp_path / "run").read_text() == "mine"


TWO = """
import sys
from edgeir.training.run import train
if __name__ == "__main__":
    def progress(done, total, label): ...
    result = train(sys.argv[1], out=sys.argv[2], devices=2, overrides=["train.steps=100000"])
    print("stopped" if result.stopped else "finished", flush=True)
"""


@pytest.mark.slow
def test_sigterm_to_the_starting_process_stops_and_saves_all(recipe, tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    run = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, str(script), str(recipe.path), str(run)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    until = time.monotonic() + 120
    while not (run / "checkpoints" / "last").is_dir() and time.monotonic() < until:
        time.sleep(0.1)
    process.terminate()
    out = process.communicate(timeout=60)[0]
    assert (out, process.returncode) == ("stopped\n", 0)
    assert load_state(run / "checkpoints" / "last")[1]["step"] > 0
