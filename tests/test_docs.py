"""Documents: their links lead somewhere, what they list is there, and the two worked examples run as they stand."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob("*.md")
    if not any(
        part.startswith(".venv") or part in ("demo-out", "build", "node_modules")
        for part in path.relative_to(ROOT).parts
    )
)
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    prose = BLOCK.sub("", text_of(name))
    for target in LINK.findall(prose):
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), f"{target} does not exist"
        assert not anchor or anchor in anchors(file), f"{target}: no such heading"


def test_the_layers_are_those_that_are_checked() -> None:
    contract = tomllib.loads(text_of("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]["layers"]
    after = text_of("CONTRIBUTING.md").split("<!-- layers -->")[1]
    listed = BLOCK.search(after)
    assert listed is not None
    assert [layer.strip() for layer in listed[2].split(">")] == contract


def places() -> list[tuple[str, str]]:
    """What the table of places names: cells with the file, and cells with the name in its union."""
    table = text_of("CONTRIBUTING.md").split("<!-- places -->")[1].split("\n\n")[0]
    rows = [line.strip("|").split("|") for line in table.strip().splitlines()[2:]]
    return [(cells[1].strip(), cells[2].strip()) for cells in rows]


def test_the_table_of_places_is_true() -> None:
    rows = places()
    assert len(rows) > 10
    for file, union in rows:
        for folder in re.findall(r"`([\w/.<>-]+)`", file):
            known = re.split(r"/(?:<|x\b|x\.)", folder)[0]
            assert (ROOT / known).exists(), f"{folder}: {known} is not there"
        for name in re.findall(r"`(edgeir[\w.]+)`", union):
            module, _, attribute = name.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), name


def test_the_page_on_targets_shows_the_code_that_is_executed() -> None:
    """`tests/seam` exports, proves, measures and restores with that file."""
    code = [body for language, body in BLOCK.findall(text_of("docs/add-a-target.md")) if language == "python"]
    made_up = text_of("tests/seam/made_up.py")
    assert code
    assert "".join(code) == made_up


def test_the_profile_on_that_page_is_the_one_that_is_used() -> None:
    import yaml

    blocks = BLOCK.findall(text_of("docs/add-a-target.md"))
    (shown,) = [body for language, body in blocks if language == "yaml"]
    assert yaml.safe_load(shown)["target"] == {"kind": "made-up"}
    for value in yaml.safe_load(shown)["gate"].values():
        assert 0 < value <= 0.01


def test_the_lines_of_java_are_those_that_are_compiled_and_run() -> None:
    """`make android` does it."""
    compiled = text_of("export/android/tflite/src/test/java/org/edgeir/tflite/ReadmeTest.java")
    lines = re.search(r"// README begins\n(.*?) *// README ends", compiled, re.DOTALL)
    assert lines is not None
    (shown,) = [body for language, body in BLOCK.findall(text_of("README.md")) if language == "java"]
    assert shown == textwrap.dedent(lines[1])


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The package with its recipes, profiles and the tests of its networks, to change."""
    for folder in ("edgeir", "recipes", "export", "benchmarks/suites", "tests/models"):
        ignored = shutil.ignore_patterns("__pycache__", "results", "build", "target")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    for file in ("pyproject.toml", "tests/conftest.py", "tests/theirs.py"):
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def applied(folder: Path, language: str, body: str) -> None:
    """Write one block of the page, whose first line is the file that it is, or change that file by it."""
    first, _, rest = body.partition("\n")
    path = folder / first.removeprefix("# ")
    if language != "diff":
        assert not path.exists(), f"{path.name} is there already"
        path.write_text(body, encoding="utf-8")
        return
    lines = rest.splitlines()
    before = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    after = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{path.name} does not hold what the page changes:\n{before}"
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_the_page_on_networks_works_as_it_stands(copied: Path) -> None:
    blocks = BLOCK.findall(text_of("docs/add-a-network.md"))
    for language, body in blocks:
        if language in ("python", "yaml", "diff"):
            applied(copied, language, body)
    (commands,) = [body for language, body in blocks if not language]
    environment = {
        **os.environ,
        "PYTHONPATH": str(copied),
        "EDGEIR_SHARED": str(copied / "none"),
        "OMP_NUM_THREADS": "1",
    }
    for line in commands.splitlines():
        program, *words = shlex.split(line)
        module = [] if program == "python" else ["-m", "edgeir"]
        done = subprocess.run(
            [sys.executable, *module, *words],
            cwd=copied,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        if program == "python":
            passed = re.search(r"(\d+) passed", done.stdout)
            assert passed is not None
            assert int(passed[1]) > 5, done.stdout
    assert (copied / "out/espcn/model.onnx").stat().st_size > 1000


def test_the_page_on_networks_is_caught_where_it_is_out_of_date(tmp_path: Path) -> None:
    """`applied` is what notices it."""
    (tmp_path / "a.py").write_text("one\ntwo\n")
    applied(tmp_path, "diff", "# a.py\n one\n+half\n two\n")
    assert (tmp_path / "a.py").read_text() == "one\nhalf\ntwo\n"
    with pytest.raises(AssertionError, match="does not hold"):
        applied(tmp_path, "diff", "# a.py\n one\n+half\n two\n")
