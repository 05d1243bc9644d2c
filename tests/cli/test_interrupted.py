"""Ctrl-C, sent to a process of its own: one line, exit code 130, no traceback, whatever the program is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

INTERRUPTED = "edgeir: interrupted\n"
PRESSED = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)\n"
"""A module during whose import somebody presses Ctrl-C."""

FRESH = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, "-m", "edgeir", *sys.argv[1:]])
"""
"""A run in the background may have been started with Ctrl-C ignored, which a process inherits. (No `preexec_fn`: it
forks, and a library with threads that an earlier test loaded warns of that.)"""


def started(folder: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FRESH, *words],
        cwd=folder,
        env={**os.environ, "EDGEIR_CACHE": str(folder / "cache"), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupted(process: subprocess.Popen[str], at: Callable[[], bool]) -> tuple[int, str, str]:
    """Exit code and both streams of `process`, which gets Ctrl-C as soon as `at()`."""
    until = time.monotonic() + 120
    while not at() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("typer", ["doctor"]),  # the program starts
        ("yaml", ["recipes", "super-resolution/demo"]),
        ("numpy", ["doctor"]),
        ("PIL", ["restore", "a.png", "b.png", "--model", "sr-x4"]),
        ("torch", ["export", "sr-x4-xs", "--target", "tflite", "--out", "out"]),
        ("torch", ["train", "super-resolution/plainsr-xs", "--out", "out"]),
    ],
)
def test_while_a_module_is_imported(tmp_path: Path, module: str, words: list[str]) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / f"{module}.py").write_text(PRESSED)
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    path = os.pathsep.join(filter(None, [str(shims), os.environ.get("PYTHONPATH")]))
    process = started(tmp_path, *words, PYTHONPATH=path)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", INTERRUPTED)
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.name != "cache") == ["a.png", "shims"]


def test_a_folder_keeps_what_is_restored_and_says_it(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in "abcdefgh":
        side = 16 if name == "a" else 700
        Image.fromarray(np.zeros((side, side, 3), np.uint8)).save(tmp_path / "photos" / f"{name}.png")
    process = started(tmp_path, "restore", "photos", "out", "--model", "sr-x4", "--threads", "1", "-q")
    code, out, err = interrupted(process, (tmp_path / "out" / "a.png").exists)
    kept = sorted(entry.name for entry in (tmp_path / "out").iterdir())
    assert code == 130
    assert kept == [Path(line.split()[0]).name for line in out.splitlines()]
    lines = err.splitlines(keepends=True)
    assert lines[1:] == [INTERRUPTED]
    assert f"{8 - len(kept)} not tried" in lines[0]


def test_a_training_saves_and_says_how_to_go_on(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    recipe = {
        "name": "tiny",
        "model": {"kind": "plainsr", "channels": 4, "blocks": 1},
        "data": {"sources": [{"kind": "embedded"}], "patch": 8, "batch": 2},
        "optim": {"lr": 1e-3},
        "train": {"steps": 10**6, "log_every": 1, "validate_every": 10**6, "save_every": 10**6},
        "validation": {"sources": [{"kind": "embedded"}], "limit": 1, "size": 48},
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(recipe))
    log = tmp_path / "run" / "metrics.jsonl"
    process = started(tmp_path, "train", "tiny.yaml", "--out", "run", "-q")
    code, out, err = interrupted(process, lambda: log.exists() and log.stat().st_size > 0)
    assert (code, err) == (130, INTERRUPTED)
    assert out.startswith("stopped after ")
    assert out.endswith("go on with: edgeir train … --out run --resume\n")
    assert (tmp_path / "run" / "checkpoints" / "last").is_dir()
