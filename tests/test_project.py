"""The project's own files agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from edgeir.devices.runner.library import VERSION

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    entries = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {name.lower().replace("_", "-"): version for name, version in entries}


def test_constraints_are_exact_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line), line
    assert pins()["torch"] == "2.13.0"


def test_every_dependency_is_pinned() -> None:
    wanted = [
        *PROJECT["dependencies"],
        *(line for lines in PROJECT["optional-dependencies"].values() for line in lines),
    ]
    names = {re.split(r"[<>=\[ ]", line)[0].lower() for line in wanted} - {"edgeir"}
    assert names <= set(pins()), sorted(names - set(pins()))


def test_all_holds_every_extra_but_tensorflow_ray_and_the_tools() -> None:
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    match = re.fullmatch(r"edgeir\[(.+)\]", everything)
    assert match is not None
    assert set(match[1].split(",")) == set(extras) - {"all", "tf", "ray", "dev"}


def test_ci_runs_what_a_contributor_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in script
    commands = [line for line in script.splitlines() if line and not line.startswith(("#", "set ", "cd "))]
    assert commands[:3] == ["make setup", "bash tools/parts.sh", "make test"]
    assert any(line.startswith("make android ") for line in commands)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("name", ["LICENSE", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile"])
def test_the_files_that_a_reader_looks_for_are_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 200


def test_the_page_on_pypi_stands_alone() -> None:
    """PyPI shows neither images nor files of the repository."""
    assert PROJECT["readme"] == "docs/pypi.md"
    text = (ROOT / "docs" / "pypi.md").read_text(encoding="utf-8")
    assert "![" not in text
    assert not re.findall(r"\]\((?!https://)", text)
    extras = set(re.findall(r"edgeir\[([\w,]+)\]", text))
    named = {extra for group in extras for extra in group.split(",")}
    assert named <= set(PROJECT["optional-dependencies"])


def test_the_library_for_android_has_the_versions_of_edgeir_and_of_its_runner() -> None:
    folder = ROOT / "export/android"
    poms = [
        (folder / path).read_text(encoding="utf-8")
        for path in ("pom.xml", "restorer/pom.xml", "tflite/pom.xml")
    ]
    for pom in poms:
        own = pom.split("<artifactId>edgeir-android</artifactId>")[1]
        assert re.search(r"<version>([^<]+)</version>", own)[1] == PROJECT["version"]  # type: ignore[index]
    (version,) = re.findall(r"<tflite\.version>([^<]+)<", poms[0])
    assert version == VERSION
    assert f"tensorflow-lite:{version}:aar" in (ROOT / "Makefile").read_text(encoding="utf-8")
