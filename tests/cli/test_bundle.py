"""Bundles on the command line: made, verified, and taken where an artifact is."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeir.cli.app import main
from edgeir.core.archive import unpack_zip

pytest.importorskip("torch")

SUITE = """
name: tiny
title: one image
sets: [{name: one, source: {kind: folder, path: PHOTOS}}]
degradation: {kind: bicubic, scale: 4, flavour: matlab}
protocol: sr
timing: {height: 32, width: 48, baseline: null}
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    from edgeir.checkpoint.save import save_checkpoint
    from edgeir.models import PlainSRConfig

    network = PlainSRConfig(channels=4, blocks=0, branches=()).build().eval()
    folder = tmp_path_factory.mktemp("run") / "tiny"
    save_checkpoint(folder, network, network.state_dict(), name="tiny", metrics={}, provenance={})
    return str(folder)


@pytest.fixture(scope="module")
def zipped(checkpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ONNX, of any size and of one."""
    folder = tmp_path_factory.mktemp("out")
    (folder / "licence.txt").write_text("For tests only\n")
    out = folder / "app.zip"
    words = ["export", checkpoint, "--bundle", "--profile", "onnx-fp32", "--profile", "onnx-int8", "-q"]
    assert main([*words, "--licence", str(folder / "licence.txt"), "--out", str(out)]) == 0
    return out


@pytest.fixture
def folder(zipped: Path, tmp_path: Path) -> Path:
    (tmp_path / "app").mkdir()
    unpack_zip(zipped, tmp_path / "app")
    return tmp_path / "app"


def error_of(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What was printed, and the one line of the error."""
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("edgeir: error: ")
    return captured.out, line.removeprefix("edgeir: error: ")


def test_an_export_prints_every_file_and_the_json_is_the_manifest(
    checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "app"
    words = [
        "export",
        checkpoint,
        "--bundle",
        "--target",
        "onnx",
        "--size",
        "8x8",
        "--size",
        "12x8",
        "--out",
        str(out),
    ]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert f"wrote {out / 'onnx-fp32-8x8.onnx'}" in text
    assert f"wrote {out / 'onnx-fp32-12x8.onnx'}" in text
    assert main([*words, "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((out / "edgeir.json").read_text())


def test_verify_says_what_it_ran(zipped: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(zipped)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("tiny: 2 models, 11 files, ")
    assert lines[1].split()[:4] == ["onnx-fp32.onnx", "passed", "ONNX", "Runtime"]
    assert lines[-1] == "every file is as it was made"
    assert main(["verify", str(folder), "--json", "-q"]) == 0
    report: Any = json.loads(capsys.readouterr().out)
    assert report["faults"] == []
    assert [run["status"] for run in report["golden"]] == ["passed", "passed"]
    assert (folder / "LICENSE").read_text() == "For tests only\n"
    assert json.loads((folder / "edgeir.json").read_text())["licence"] == "For tests only"


def test_faults_are_listed_and_the_exit_code_is_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "golden" / "input-any-nchw-float32.npy").unlink()
    (folder / "extra.txt").write_text("x")
    assert main(["verify", str(folder)]) == 2
    out, line = error_of(capsys)
    assert line == (
        f"{folder}: `golden/input-any-nchw-float32.npy`: the file is missing; 1 more fault "
        "(get the bundle again, or export it again)"
    )
    assert [row.split()[0] for row in out.splitlines()[1:]] == ["missing", "extra"]
    assert main(["verify", str(folder), "--json"]) == 2
    assert [fault["kind"] for fault in json.loads(capsys.readouterr().out)["faults"]] == ["missing", "extra"]


def test_what_is_no_bundle_is_one_line_and_exit_2(
    zipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "half.zip").write_bytes(zipped.read_bytes()[: zipped.stat().st_size // 2])
    with zipfile.ZipFile(tmp_path / "up.zip", "w") as archive:
        archive.writestr("../edgeir.json", "{}")
    for name, message in (("half.zip", "the zip is damaged: "), ("up.zip", "a path that leads elsewhere")):
        assert main(["verify", str(tmp_path / name)]) == 2
        out, line = error_of(capsys)
        assert out == ""
        assert message in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["half.zip", "up.zip"]


def test_a_bundle_is_taken_where_an_artifact_is(
    folder: Path, zipped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    coarse = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8))
    coarse.resize((72, 64), Image.Resampling.BICUBIC).save(photos / "a.png")
    suite = tmp_path / "suite.yaml"
    suite.write_text(SUITE.replace("PHOTOS", str(photos)))
    second = folder / "onnx-int8.onnx"
    for model, name in ((folder, "onnx-fp32"), (second, "onnx-int8")):
        made = tmp_path / f"{name}.png"
        assert main(["restore", str(photos / "a.png"), str(made), "--model", str(model), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["model"] == f"tiny {name}"
        with Image.open(made) as restored:
            assert restored.size == (288, 256)
    assert main(["eval", str(folder), "--suite", str(suite), "-q"]) == 0
    words = ["bench", str(folder), str(second), "--suite", str(suite), "--budget", "0.2", "-q"]
    assert main([*words, "--out", str(tmp_path / "b.json")]) == 0
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert [row["precision"] for row in rows[:2]] == ["fp32", "int8"]
    capsys.readouterr()
    assert main(["prove", str(folder)]) == 0
    assert "golden input on ONNX Runtime" in capsys.readouterr().out
    assert main(["restore", str(photos / "a.png"), str(tmp_path / "x.png"), "--model", str(zipped)]) == 2
    assert "is a zip, and models run from folders (edgeir verify app.zip, unzip it" in error_of(capsys)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--target", "onnx", "--target", "ort", "--out", "o"],
            "several targets make a bundle (add --bundle)",
        ),
        (
            ["--target", "onnx", "--precision", "fp32", "--precision", "int8", "--out", "o"],
            "several precisions make",
        ),
        (["--target", "onnx", "--out", "o.zip"], "a zip is for a bundle (add --bundle)"),
        (["--target", "onnx", "--licence", "l", "--out", "o"], "--licence is for a bundle (add --bundle)"),
        (["--out", "o"], "no format is named"),
        (["--bundle", "--out", "o"], "no format is named"),
        (
            ["--bundle", "--target", "ort", "--precision", "int16x8", "--out", "o.zip"],
            "ort is not written in int16x8",
        ),
    ],
)
def test_what_does_not_fit_together_is_one_line(
    words: list[str], message: str, checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["export", checkpoint, *words]) == 2
    assert message in error_of(capsys)[1]
    assert list(tmp_path.iterdir()) == []
