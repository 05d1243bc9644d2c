"""Every example in a help text and in the README: parsed, what it names looked up, and run where that is cheap."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

from edgeir.cli.app import app, main
from edgeir.core.assets import find_asset, list_zoo
from edgeir.core.config import read_yaml
from edgeir.core.shipped import command_of, recipe_of_run

ROOT = Path(__file__).resolve().parent.parent
GROUP: Any = typer.main.get_command(app)
USERS = {"photo.jpg", "holiday/", "RealESRGAN_x4plus.pth"}
"""Files that a reader has."""
NOT_MODELS = {"bicubic", "input"}


@dataclass(frozen=True)
class Example:
    """A line ``edgeir …`` and where it stands."""

    where: str
    line: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line)[1:]


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its name, those of groups too; a group that does something by itself is one of them."""
    for name, command in GROUP.commands.items():
        yield name, command
        for sub, inner in getattr(command, "commands", {}).items():
            yield f"{name} {sub}", inner


def in_help(name: str, command: Any) -> list[Example]:
    text = command.help or ""
    if getattr(command, "callback", None) is not None:  # a group's own text is that of its function
        text = f"{text}\n{command.callback.__doc__ or ''}"
    lines = dict.fromkeys(re.findall(r"Example[^:`]*: `(edgeir [^`]+)`", text))
    return [Example(f"edgeir {name} --help", line) for line in lines]


def in_document(name: str) -> list[Example]:
    text = (ROOT / name).read_text(encoding="utf-8")
    fences = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    blocks = [body for language, body in fences if not language]
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [Example(name, line) for line in lines if line.startswith("edgeir ")]


HELP = [example for name, command in commands() for example in in_help(name, command)]
README = in_document("README.md")
EXAMPLES = [*HELP, *README]


def parsed(words: list[str]) -> tuple[str, dict[str, Any]]:
    """The command and its arguments; an unknown word, option or choice raises."""
    name, rest = words[0], words[1:]
    command = GROUP.commands[name]
    if rest and rest[0] in getattr(command, "commands", {}):
        name, command, rest = f"{name} {rest[0]}", command.commands[rest[0]], rest[1:]
    return name, dict(command.make_context(name, list(rest)).params)


def written(examples: list[Example]) -> set[str]:
    """What other examples of the same place leave behind."""
    outputs = [parsed(example.words)[1].get("out") for example in examples]
    return {str(out) for out in outputs if out is not None}


def test_every_command_has_an_example() -> None:
    assert len(README) > 5
    for name, command in commands():
        assert in_help(name, command), f"edgeir {name} --help has no `Example:`"


def test_no_help_text_loses_a_word_as_if_it_were_a_tag() -> None:
    for name, command in commands():
        texts = [
            command.help or "",
            *(getattr(parameter, "help", None) or "" for parameter in command.params),
        ]
        for text in texts:
            assert not re.search(r"<\w", re.sub(r"`[^`]*`", "", text)), f"edgeir {name} --help: {text}"


@pytest.fixture
def readme_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a reader who wrote the files that the README shows."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, body in re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", text, re.DOTALL):
        (tmp_path / name).write_text(body, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.where}: {example.line}")
def test_what_an_example_names_is_there(example: Example, readme_files: Path) -> None:
    command, given = parsed(example.words)
    if command in ("train", "distill") or (command == "recipes" and given["name"]):
        pytest.importorskip("torch")
        from edgeir.training.recipe import load_recipe

        name = given.get("recipe") or given["name"]
        load_recipe(name, given["changes"] or ())
        if command != "recipes":
            assert command_of(read_yaml(find_asset("recipes", name))) == command
    suites = given.get("suite") or ()
    for name in [suites] if isinstance(suites, str) else suites:
        assert find_asset("suites", name)
    if command == "export":
        names = [
            f"{target}-{kind}"
            for target in given["target"] or ()
            for kind in given["precision"] or ["fp32"]
            if kind != "auto"  # which tries every profile of the format
        ]
        for name in given["profile"] or names:
            assert find_asset("profiles", name)
    if command == "study":
        assert (ROOT / given["file"]).is_file()
    same_place = HELP if example in HELP else README
    known = {*list_zoo(), *NOT_MODELS, *USERS, *written(same_place)}
    read = ("model", "checkpoint", "run", "artifact", "artifacts", "bundle", "source")
    for key in (*read, "results") if command == "report" else read:
        values = given.get(key) or ()
        for value in values if isinstance(values, (list, tuple)) else [values]:
            assert (
                isinstance(value, bool)
                or str(value) in known | {name.rstrip("/") for name in known}
                or _of_a_recipe(str(value))
            ), value


def _of_a_recipe(path: str) -> bool:
    """Whether a run folder is that of a shipped recipe."""
    return path.startswith("runs/") and recipe_of_run(path.removeprefix("runs/")) is not None


# --- run


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a photo, a folder of photos and a result, and an empty cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    (tmp_path / "holiday").mkdir()
    for name in ("photo.jpg", "holiday/a.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "out").mkdir()
    shutil.copy(ROOT / "benchmarks" / "results" / "pirm-a-zoo.json", tmp_path / "out" / "bench.json")
    return tmp_path


LIGHT = [
    "edgeir restore photo.jpg photo-x4.png --model sr-x4",
    "edgeir restore photo.jpg large.png --model sr-x4",
    "edgeir restore holiday/ large/ --model sr-x4",
    "edgeir report out/bench.json --out out/report",
    "edgeir models",
    "edgeir doctor",
    "edgeir recipes super-resolution/demo train.steps=100",
    "edgeir cache",
    "edgeir cache clear --older-than 30",
]


@pytest.mark.parametrize("line", LIGHT)
def test_an_example_that_needs_nothing_runs(line: str, desk: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert line in {example.line for example in EXAMPLES}
    if "recipes" in line or "restore" in line:
        pytest.importorskip("torch")
    assert main(shlex.split(line)[1:]) == 0, capfd.readouterr().err
    out = parsed(shlex.split(line)[1:])[1]
    for key in ("destination", "out"):
        if out.get(key):
            assert (desk / out[key]).exists()


SHORT = ["--budget", "1", "--limit", "1"]
CHAIN = {
    "edgeir train denoising/digits-separate-small --out runs/digits": ["train.steps=2"],
    "edgeir distill super-resolution/demo --out runs/first": ["train.steps=2"],
    "edgeir export sr-x4 --target tflite --precision int8 --size 180x320 --out out/int8": [],
    "edgeir lint out/int8": [],
    "edgeir prove out/int8 --checkpoint sr-x4": [],
    "edgeir export sr-x4 --bundle --target tflite --target onnx --size 180x320 --out out/app.zip": [],
    "edgeir verify out/app.zip": [],
    "edgeir bench out/int8 sr-x4-xs --suite pirm-a --out out/bench.json": [
        "--budget",
        "1",
        "--limit",
        "1",
        "--overwrite",
    ],
    "edgeir report out/bench.json --out out/report": [],
    "edgeir publish sr-x4 my-sr-x4 --out out/zoo --results out --suite embedded-x4": [],
}
"""In their order, and words that make them short."""


@pytest.mark.slow
def test_the_examples_of_the_help_texts_work_one_after_the_other(
    desk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("litert_torch")
    for line, short in CHAIN.items():
        assert line in {example.line for example in HELP}
        assert main([*shlex.split(line)[1:], *short]) == 0, f"{line}: {capfd.readouterr().err}"
    assert (
        json.loads((desk / "out" / "int8" / "artifact.json").read_text())["files"][0]["precision"] == "int8"
    )


@pytest.mark.slow
def test_the_readme_s_way_from_a_network_to_a_file_works(
    readme_files: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("litert_torch")
    monkeypatch.setenv("EDGEIR_CACHE", str(readme_files / "cache"))
    monkeypatch.syspath_prepend(readme_files)
    (readme_files / "photos").mkdir()
    rng = np.random.default_rng(0)
    for index in range(3):
        small = Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8))
        small.resize((400, 320), Image.Resampling.BICUBIC).save(readme_files / "photos" / f"{index}.png")
    short = {"distill": ["train.steps=2"], "bench": SHORT}
    way = [
        example.words
        for example in README
        if {"mine.yaml", "runs/mine", "out/mine", "out/bench.json"} & set(example.words)
    ]
    assert [words[0] for words in way] == ["distill", "export", "verify", "bench", "report"]
    for words in way:
        assert main([*words, *short.get(words[0], [])]) == 0, f"{words}: {capfd.readouterr().err}"
    assert {"README.md", "edgeir.json", "golden", "tflite-int8-uint8-180x320.tflite"} <= set(
        os.listdir("out/mine")
    )
