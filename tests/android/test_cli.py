"""`edgeir android` as a user meets it: every wrong word is one line and exit 2, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgeir.android import build
from edgeir.cli.app import main
from edgeir.core.errors import ExportError

BAD = [
    (["--out", "a.apk", "--application-id", "restore"], "`restore` is no application id: it has no point"),
    (["--out", "a.apk", "--name", " "], "the app's name is ' '"),
    (["--out", "a.apk", "--abi", "mips"], "there is no library for `mips`"),
    (["--out", "a.zip"], "the app's file is called `a.zip` (let its name end in .apk)"),
    (["--out", "a.apk", "--icon", "none.png"], "none.png: no such file"),
    (["--out", "a.apk", "--icon", "text.png"], "text.png: "),
    (["--out", "folder.apk"], "folder.apk: it is a folder, not a file"),
    (["--out", "text.png/a.apk"], "a part of the path is a file, not a folder"),
    (["--out", "there.apk"], "there.apk: the output exists already"),
    ([], "nothing to write is named (pass --out restore.apk, --project DIR, or both)"),
]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "there.apk").write_text("mine")
    (tmp_path / "folder.apk").mkdir()
    return tmp_path


@pytest.mark.parametrize(("words", "message"), BAD, ids=[" ".join(words) or "nothing" for words, _ in BAD])
def test_a_wrong_word(words: list[str], message: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(desk.iterdir())
    assert main(["android", "some.zip", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert message in line
    assert sorted(desk.iterdir()) == before
    assert (desk / "there.apk").read_text() == "mine"


def test_no_bundle_at_all(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["android", "--out", "a.apk"]) == 2
    assert "Missing argument 'BUNDLE...'" in capsys.readouterr().err


def test_missing_tools_are_said_before_the_work(
    desk: Path, nothing_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["android", "some.zip", "--out", "a.apk"]) == 2
    assert "`apksigner` is not installed" in capsys.readouterr().err


def test_a_project_alone_needs_no_tools(
    zipped: Path, desk: Path, nothing_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["android", str(zipped), "--project", "project", "--json", "-q"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["project"]["bundles"] == ["app"]
    assert "app" not in shown
    assert main(["android", str(zipped), "--project", "second"]) == 0
    assert "no Gradle has built it here" in capsys.readouterr().out


def test_nothing_is_left_where_a_step_fails(
    zipped: Path, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first step that needs tools, here without them."""

    def fails(*_: object, **__: object) -> None:
        raise ExportError("compiling the app's classes failed: A.java:3: error: cannot find symbol")

    for name in ("apksigner", "debug_key"):
        monkeypatch.setattr(build, name, lambda: None)
    monkeypatch.setattr(build, "template", fails)
    before = sorted(desk.iterdir())
    assert main(["android", str(zipped), "--out", "new/a.apk", "-q"]) == 2
    assert "cannot find symbol" in capsys.readouterr().err
    assert sorted(desk.iterdir()) == before
