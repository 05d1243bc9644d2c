"""Options that only some formats have: from the catalog to the file, and refused elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from edgeir.cli.app import main
from edgeir.cli.target_options import with_target_options
from edgeir.runtime import catalog

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    from edgeir.checkpoint.save import save_checkpoint
    from edgeir.models import PlainSRConfig

    network = PlainSRConfig(channels=4, blocks=0, branches=()).build().eval()
    folder = tmp_path_factory.mktemp("run") / "tiny"
    save_checkpoint(folder, network, network.state_dict(), name="tiny", metrics={}, provenance={})
    return str(folder)


def stamp(folder: Path) -> str:
    described = json.loads((folder / "artifact.json").read_text())
    return str(described["files"][0]["needs"]["stamp"])


def test_an_operator_set_is_asked_for_by_an_option(checkpoint: str, tmp_path: Path) -> None:
    words = ["export", checkpoint, "--target", "onnx", "-q", "--out"]
    assert main([*words, str(tmp_path / "oldest")]) == 0
    assert main([*words, str(tmp_path / "asked"), "--opset", "14"]) == 0
    assert main([*words, str(tmp_path / "setting"), "target.opset=14"]) == 0
    assert stamp(tmp_path / "oldest").startswith("opset 11,")
    assert stamp(tmp_path / "asked").startswith("opset 14,")
    asked, setting = ((tmp_path / name / "model.onnx").read_bytes() for name in ("asked", "setting"))
    assert asked == setting


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target", "tflite", "--opset", "13"], "--opset 13 is an option of onnx and ort, not of tflite"),
        (["--target", "onnx", "--opset", "thirteen"], "`target.opset` must be a whole number"),
        (["--target", "onnx", "--quantizer", "mine"], "must be one of onnxruntime, nncf, not `mine`"),
    ],
)
def test_what_a_format_does_not_take_is_one_line(
    words: list[str], said: str, checkpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", checkpoint, *words, "-q", "--out", str(tmp_path / "x")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "x").exists()


def test_an_option_of_the_catalog_reaches_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = catalog.target_entry("tflite")
    option = catalog.TargetOption("shape", "NAME", "Form of the thing", "round")
    monkeypatch.setattr(catalog, "TARGETS", [replace(entry, options=(option,))])
    seen: list[object] = []

    @with_target_options
    def command(
        changes: Annotated[list[str] | None, typer.Argument()] = None,
        target: Annotated[list[str] | None, typer.Option("--target")] = None,
    ) -> None:
        seen.append(changes)

    app = typer.Typer()
    app.command()(command)
    run = CliRunner().invoke
    assert "Form of the thing, of tflite. Default: round." in " ".join(
        run(app, ["--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output.split()
    )
    assert run(app, ["a.b=1", "--shape", "square"]).exit_code == 0
    assert run(app, []).exit_code == 0
    assert seen == [["a.b=1", "target.shape=square"], None]
