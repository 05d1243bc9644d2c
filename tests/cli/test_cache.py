"""``edgeir cache`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeir.cli.app import main
from edgeir.data.degrade.bicubic import Bicubic
from edgeir.data.sources.folder import Folder
from edgeir.data.store.pair_store import open_store


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "images" / "a.png")
    return tmp_path / "cache"


def fill(cache: Path) -> object:
    return open_store([Folder(path=str(cache.parent / "images"))], Bicubic(scale=4))


def test_list_and_clear(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache"]) == 0
    assert capsys.readouterr().out == f"nothing is cached in {cache}\n"
    fill(cache)
    assert main(["cache"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["store", "size"]
    assert f"folder {cache.parent / 'images'}" in lines[1]
    assert lines[1].endswith("bicubic x4")
    assert lines[-1].endswith(f"in {cache}")
    assert main(["cache", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [store["images"] for store in listed["stores"]] == [1]
    assert main(["cache", "clear", "--older-than", "1"]) == 0
    assert capsys.readouterr().out == "0.0 MiB freed\n"
    assert main(["cache", "clear", "--all", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["bytes"], len(done["removed"]), done["in_use"]) == (listed["bytes"], 1, [])
    assert main(["cache", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stores"] == []


def test_what_is_in_use_stays_and_the_exit_code_says_so(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = fill(cache)
    assert main(["cache", "clear", "--all"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "0.0 MiB freed\n"
    assert captured.err.count("is in use") == 1
    assert store is not None


@pytest.mark.parametrize("words", [[], ["--all", "--older-than", "3"]])
def test_clear_wants_to_know_what(words: list[str], cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "clear", *words]) == 2
    assert "--older-than DAYS or --all" in capsys.readouterr().err
