"""Errors of a training in several processes are what they would be in one."""

import os
import signal
import subprocess
import sys

import pytest

from edgeir.cli.app import main
from edgeir.core.errors import ConfigError, DataError, NonFiniteError, OutputError, TrainingError
from edgeir.training.run import distill, train

DIVERGING = {"kind": "sgd", "lr": 100, "schedule": {"kind": "constant"}}
"""Plain descent at a rate that squares the weights with every step."""


def test_a_loss_that_is_not_finite_names_step_and_term(recipe, tmp_path, capsys):
    recipe(optim=DIVERGING, objective={"losses": [{"kind": "l2", "weight": 100}]})
    with pytest.raises(NonFiniteError) as one:
        train(recipe.path, out=tmp_path / "one")
    command = ["train", str(recipe.path), "--out", str(tmp_path / "two"), "--devices", "2", "--quiet"]
    assert main(command) == 2
    shown = capsys.readouterr().err.splitlines()
    assert shown == [f"edgeir: error: {one.value}"]


@pytest.mark.slow
def test_damaged_images_and_settings_that_do_not_fit_are_named(recipe, tmp_path):
    teacher = train(recipe.path, out=tmp_path / "teacher", overrides=["train.steps=1", "model.channels=6"])
    (images,) = (tmp_path / "cache" / "stores").glob("*/hr.bin")
    sound = images.read_bytes()
    images.write_bytes(bytes(len(sound)))
    with pytest.raises(DataError, match="`[0-2]` does not match its hash .delete it"):
        train(recipe.path, out=tmp_path / "run", devices=2)
    images.write_bytes(sound)
    method = {"kind": "features", "student_taps": ["body.0"], "teacher_taps": ["body.0"]}
    recipe(objective={"distillation": {"teacher": str(teacher.run_dir), "methods": [method]}})
    with pytest.raises(
        ConfigError, match="differ in size; the taps are student body.0 4x8x8, teacher"
    ) as caught:
        distill(recipe.path, out=tmp_path / "other", devices=2)
    assert len(caught.value.problems) == 1


def test_a_full_disk_is_named(recipe, tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "metrics.jsonl").symlink_to("/dev/full")
    (tmp_path / "run" / "recipe.yaml").write_text("{}")
    with pytest.raises(OutputError, match="run: the disk is full .free some space"):
        train(recipe.path, out=tmp_path / "run", devices=2)


@pytest.mark.slow
def test_a_process_that_was_killed_is_said_to_be(recipe, tmp_path):
    with pytest.raises(
        TrainingError, match="a training process ended unexpectedly .*SIGKILL.*go on with --resume"
    ):
        train(recipe.path, out=tmp_path / "run", devices=2, progress=KillAtStep(5))


class KillAtStep:
    """Progress that ends its process (pickled to it)."""

    def __init__(self, step):
        self.step = step

    def __call__(self, done, total, label):
        if total == 8 and done == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


ENDING = """
import os
from lightning_fabric import Fabric
from edgeir.training.processes import Processes, launch

class Gone:
    def __reduce__(self):
        return os._exit, (3,)

def interrupted(fabric, *data):
    raise KeyboardInterrupt

if __name__ == "__main__":
    data = DATA, bytes(2**20)
    launch(Fabric(accelerator="cpu", devices=2, strategy=Processes()), interrupted, data)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "error"),
    [("None", "KeyboardInterrupt"), ("Gone()", "TrainingError: a training process ended unexpectedly")],
)
def test_processes_that_end_early_are_not_waited_for(tmp_path, data, error):
    """By Ctrl-C, and while they read what they are given, which is more than a pipe holds."""
    script = tmp_path / "ending.py"
    script.write_text(ENDING.replace("DATA", data))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    assert f"{error}" in done.stderr.splitlines()[-1]
