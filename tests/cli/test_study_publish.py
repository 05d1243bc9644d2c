"""``edgeir study`` and ``edgeir publish`` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeir.cli.app import main

pytest.importorskip("torch")

STUDY = """
name: tiny
about: what a teacher brings
recipe: super-resolution/demo
common: [train.steps=2, train.validate_every=2, train.save_every=1, train.samples=0, data.batch=1,
         "data.sources=[{kind: folder, path: IMAGES}]", "validation.sources=[{kind: folder, path: IMAGES}]"]
reference: alone
seeds: [0, 1]
suites: [SUITE]
variants:
  alone: {about: no teacher, overrides: ["objective.distillation.methods=[]"]}
  taught: {about: its output, overrides: ["objective.distillation.methods=[{kind: output}]"]}
"""
SUITE = """
name: one-image
title: one
sets: [{name: one, source: {kind: folder, path: IMAGES}}]
degradation: {kind: bicubic, scale: 4, flavour: matlab}
protocol: sr-x4
"""


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (34, 36, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((144, 136), Image.Resampling.BICUBIC).save(tmp_path / "images" / "a.png")
    images = str(tmp_path / "images")
    (tmp_path / "suite.yaml").write_text(SUITE.replace("IMAGES", images))
    text = STUDY.replace("IMAGES", images).replace("SUITE", str(tmp_path / "suite.yaml"))
    (tmp_path / "study.yaml").write_text(text)
    return tmp_path


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return str(line)


def test_a_study_prints_its_table_and_its_result(
    workshop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["study", "study.yaml", "--out", "out", "-q"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["variant", "one", "dB", "one", "difference", "dB"]
    assert [line.split()[0] for line in lines[1:3]] == ["alone", "taught"]
    assert lines[3] == "(± is the half-width of the 95 % Student-t interval over the seeds)"
    assert lines[4] == f"wrote {Path('out/study-tiny.json')}"
    assert main(["study", "study.yaml", "--out", "out"]) == 2
    assert "exists already" in error_line(capsys)
    assert main(["study", "study.yaml", "--out", "again.json", "--json", "-q"]) == 0
    shown: Any = json.loads(capsys.readouterr().out)
    assert (shown["path"], shown["finished"], shown["runs"]) == ("again.json", 4, 4)
    assert [run["seed"] for run in shown["result"]["variants"]["taught"]["runs"]] == [0, 1]
    # An interruption: exit code, and what to do.
    from edgeir.benchmarking.study import run as module

    def stopped(*arguments: object, **options: object) -> Path:
        raise module.StudyStopped("stopped")

    monkeypatch.setattr(module, "finish", stopped)
    assert main(["study", "study.yaml", "--out", "third.json", "-q"]) == 130
    assert capsys.readouterr().out == "stopped with 0 of 4 runs measured; the same command goes on\n"


def test_an_entry_of_the_users_own_is_taken_by_other_commands(
    workshop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["publish", "sr-x4-xs", "mine", "--out", "zoo", "--results", "out", "-s", "suite.yaml", "-q"]
    assert main([*words, "--cite", "Somebody, 2020", "--licence", "MIT"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mine: 17,696 parameters"
    assert lines[1].startswith("  one: ")
    assert lines[2:] == [f"wrote {Path('out/zoo-mine-one-image.json')}", f"wrote {Path('zoo/mine')}"]
    assert main(words) == 2
    assert "exists already" in error_line(capsys)
    assert main(["eval", "zoo/mine", "--suite", "suite.yaml", "--json", "-q"]) == 0
    shown: Any = json.loads(capsys.readouterr().out)
    assert f"{shown['rows'][0]['quality']['sets'][0]['psnr_db']:.2f} dB" in lines[1]
    assert main([*words, "--overwrite", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["folder"] == str(Path("zoo/mine"))
    assert shown["card"]["provenance"]["training_data"].startswith("358 photographs")
    assert main(["publish", "none", "mine2", "--out", "zoo"]) == 2
    assert "is neither a file, a folder nor a network" in error_line(capsys)
