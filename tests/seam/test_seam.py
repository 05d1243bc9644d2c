"""One new file and one entry of the catalog are a whole target: every command knows the made-up one here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from edgeir.checkpoint.save import save_checkpoint
from edgeir.models import PlainSRConfig

HERE = Path(__file__).resolve().parent
PROFILE = """\
target: {kind: made-up}
gate:
  {max_abs_error: 1.0e-5, p99_abs_error: 1.0e-5, psnr_drop_db: 0.001, worst_psnr_drop_db: 0.003, colour_shift: 0.01,
   extreme_shift: 0.01}
"""
SUITE = """\
name: seam
title: Seam
description: One photograph.
sets: [{name: photos, source: {kind: embedded}}]
degradation: {kind: bicubic, scale: 4}
protocol: sr-x4
timing: {height: 64, width: 64, rule: median, baseline: null}
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, a profile, a suite and a photograph, and where Python installs the target at every start."""
    folder = tmp_path_factory.mktemp("seam")
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text("import made_up\nmade_up.install()\n")
    torch.manual_seed(0)
    network = PlainSRConfig(channels=4, blocks=0, branches=()).build()
    save_checkpoint(folder / "net", network, network.state_dict(), name="net", metrics={}, provenance={})
    (folder / "made-up.yaml").write_text(PROFILE)
    (folder / "suite.yaml").write_text(SUITE)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    return folder


def edgeir(workshop: Path, *words: str, code: int = 0) -> str:
    path = os.pathsep.join([str(workshop / "site"), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "edgeir", *words],
        cwd=workshop,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def artifact(workshop: Path) -> Path:
    """Exported and proved by the command."""
    words = ["export", "net", "--target", "made-up", "--profile", "made-up.yaml", "--out", "out"]
    shown = edgeir(workshop, *words)
    assert "wrote out/model.made" in shown
    assert "7 photographs, 15 extremes, NumPy" in shown
    return workshop / "out"


def test_the_manifest_describes_the_folder(artifact: Path) -> None:
    assert sorted(path.name for path in (artifact / "model.made").iterdir()) == ["graph.json", "weights.npz"]
    manifest = json.loads((artifact / "artifact.json").read_text())
    (file,) = manifest["files"]
    assert (file["path"], file["target"], file["precision"]) == ("model.made", "made-up", "fp32")
    assert file["parity"]["status"] == "measured"
    assert file["parity"]["max_abs_error"] < 1e-5


def test_it_restores_as_the_checkpoint_does(workshop: Path, artifact: Path) -> None:
    edgeir(workshop, "restore", "photo.png", "made.png", "--model", "out/model.made")
    edgeir(workshop, "restore", "photo.png", "own.png", "--model", "net")
    made, own = (np.asarray(Image.open(workshop / f"{name}.png")).astype(int) for name in ("made", "own"))
    assert made.shape == (80, 120, 3)
    assert np.abs(made - own).max() <= 1


def test_it_is_measured_and_timed(workshop: Path, artifact: Path) -> None:
    result = edgeir(workshop, "eval", "out", "--suite", "suite.yaml", "--limit", "1", "--json")
    assert json.loads(result)["rows"][0]["runtime"] == "numpy"
    words = ["--suite", "suite.yaml", "--limit", "1", "--budget", "0.1", "--out", "bench.json"]
    edgeir(workshop, "bench", "out", *words)
    rows = {row["runtime"]: row for row in json.loads((workshop / "bench.json").read_text())["rows"]}
    assert rows["numpy"]["precision"] == "fp32"
    assert rows["numpy"]["latency"]["p50_ms"] > 0


def test_help_and_doctor_list_it(workshop: Path) -> None:
    shown = edgeir(workshop, "export", "--help")
    assert "made-up" in shown
    assert "Made-up (nowhere)" in shown
    assert "numpy" in edgeir(workshop, "restore", "--help")
    doctor = json.loads(edgeir(workshop, "doctor", "--json"))
    assert doctor["targets"]["made-up"] == "numpy"
    assert doctor["runtimes"]["numpy"] == np.__version__


def test_errors_name_it(workshop: Path, artifact: Path) -> None:
    wrong = edgeir(workshop, "restore", "photo.png", "x.png", "--model", "out", "--runtime", "torch", code=2)
    assert "runs with numpy, not with torch" in wrong
    with (artifact / "model.made" / "weights.npz").open("ab") as stream:
        stream.write(b"x")
    changed = edgeir(workshop, "restore", "photo.png", "x.png", "--model", "out", code=2)
    assert "changed after it was exported" in changed


def test_a_bundle_of_it_verifies_and_shows_no_code_that_nobody_wrote(workshop: Path) -> None:
    edgeir(workshop, "export", "net", "--bundle", "--profile", "made-up.yaml", "--out", "app.zip")
    assert "passed  NumPy " in edgeir(workshop, "verify", "app.zip")
    with zipfile.ZipFile(workshop / "app.zip") as archive:
        assert {"made-up-fp32.made/graph.json", "made-up-fp32.made/weights.npz"} <= set(archive.namelist())
        text = archive.read("README.md").decode()
    assert "`made-up-fp32.made`" in text
    assert "```" not in text
