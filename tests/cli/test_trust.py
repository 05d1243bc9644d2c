"""`--trust-code`: a network of another package goes through every command, and through none without permission."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeir.cli.app import main

torch = pytest.importorskip("torch")

RECIPE = """
name: theirs
about: A gate over cells of 8 pixels, from another package.
task: denoising
model:
  kind: module
  factory: PACKAGE:Tiny
  arguments: {width: 4, scale: 1, cell: 8}
  task: denoising
  receptive_radius: 9
  tile_multiple: 8
  taps: [head, tail]
data:
  sources: [{kind: folder, path: PHOTOS}]
  degradation: {kind: awgn, sigma: 25}
  patch: 16
  batch: 2
train: {steps: 3, seed: 1, validate_every: 3, save_every: 3}
validation: {sources: [{kind: folder, path: PHOTOS}], limit: 1, size: 32, channel: rgb}
"""
SUITE = """
name: tiny
title: two images
sets: [{name: two, source: {kind: folder, path: PHOTOS}}]
degradation: {kind: awgn, sigma: 25}
protocol: colour-denoising
timing: {height: 32, width: 48, baseline: null}
"""


@pytest.fixture
def workshop(tmp_path: Path, package: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        coarse = Image.fromarray(rng.integers(0, 256, (8, 9, 3), dtype=np.uint8))
        coarse.resize((75, 66), Image.Resampling.BICUBIC).save(photos / f"{name}.png")
    for file, text in (("recipe.yaml", RECIPE), ("suite.yaml", SUITE)):
        (tmp_path / file).write_text(text.replace("PHOTOS", str(photos)).replace("PACKAGE", package[0]))
    return tmp_path


def refused(words: list[str], package: tuple[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """The command says in one line what it would run and how to allow it, and runs nothing."""
    package[1].unlink(missing_ok=True)
    capsys.readouterr()
    assert main(words) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert f"`{package[0]}:Tiny`" in line
    assert "is code of another package, which edgeir runs only with your permission" in line
    assert "--trust-code" in line
    assert captured.out == ""
    assert not package[1].exists()


def test_every_command_asks_for_permission_and_works_with_it(
    workshop: Path, package: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    suite, trust = str(workshop / "suite.yaml"), "--trust-code"
    run, photo = str(workshop / "run"), str(workshop / "photos" / "a.png")
    commands = {
        "train": ["train", str(workshop / "recipe.yaml"), "-q", "--out", run],
        "eval": ["eval", run, "--suite", suite, "--json"],
        "restore": ["restore", photo, str(workshop / "whole.png"), "--model", run, "--tile", "512"],
        "tiles": ["restore", photo, str(workshop / "tiles.png"), "--model", run, "--tile", "40"],
        "channels": ["channels", run, "--before", "head", "--after", "tail", "--images",
                     str(workshop / "photos"), "--size", "32", "--limit", "1", "--out", str(workshop / "plots")],
        "export": ["export", run, "--target", "onnx", "--out", str(workshop / "onnx"),
                   "--calibration", str(workshop / "photos")],
        "bench": ["bench", run, "--suite", suite, "--repeats", "2", "--out", str(workshop / "bench.json")],
    }  # fmt: skip
    assert main(["recipes", "show", str(workshop / "recipe.yaml"), "-q"]) == 0  # to look runs nothing
    results = {}
    for name, words in commands.items():
        refused(words, package, capsys)
        assert main([*words, trust]) == 0, name
        results[name] = capsys.readouterr().out
    score = json.loads(results["eval"])["rows"][0]["quality"]["sets"][0]
    assert score["psnr_db"] > 0
    whole, tiles = (np.asarray(Image.open(workshop / f"{name}.png")) for name in ("whole", "tiles"))
    np.testing.assert_array_equal(whole, tiles)
    row = json.loads((workshop / "bench.json").read_text())["rows"][0]
    assert row["macs"] == (27 * 4 + 36 * 3) * 32 * 48
    assert row["peak_mib"] > 0
    # The exported file holds no code: it needs no permission.
    assert main(["restore", photo, str(workshop / "file.png"), "--model", str(workshop / "onnx"), "-q"]) == 0
    difference = np.asarray(Image.open(workshop / "file.png")).astype(int) - whole
    assert np.abs(difference).max() <= 1


def test_from_python(workshop: Path, package: tuple[str, Path]) -> None:
    import edgeir

    recipe, run = workshop / "recipe.yaml", workshop / "run"
    with pytest.raises(edgeir.EdgeIRError, match="trust_code=True"):
        edgeir.train(recipe, out=run)
    edgeir.train(recipe, out=run, trust_code=True)
    with pytest.raises(edgeir.EdgeIRError, match=r"card.json: .*trust_code=True"):
        edgeir.load(run)
    session = edgeir.load(run, trust_code=True)
    assert session.run(np.zeros((9, 7, 3), np.float32)).shape == (9, 7, 3)
