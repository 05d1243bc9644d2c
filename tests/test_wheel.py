"""The wheel works outside the checkout: recipes, profiles, suites and zoo weights are inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgeir.core.assets import list_assets, list_zoo

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "recipes": "recipes",
    "profiles": "export/profiles",
    "suites": "benchmarks/suites",
    "lint": "export/lint",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with the installed hatchling (no network)."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def outside(unpacked: Path, *words: str) -> str:
    """Run Python on the unpacked wheel, away from the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=unpacked.parent,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.partition("/")[0] for name in names} == {"edgeir", "edgeir-0.1.0.dist-info"}
    for kind, folder in FOLDERS.items():
        there = {
            f"edgeir/_data/{kind}/{path.relative_to(ROOT / folder)}"
            for path in (ROOT / folder).rglob("*.yaml")
        }
        assert there, f"the checkout has no {kind}"
        assert there <= names
    assert not [name for name in names if name.startswith("edgeir/_data/") and name.endswith(".py")]
    for name in list_zoo():
        assert {f"edgeir/zoo/{name}/card.json", f"edgeir/zoo/{name}/weights.safetensors"} <= names
        assert {f"edgeir/zoo/{name}/litert/artifact.json", f"edgeir/zoo/{name}/litert/model.tflite"} <= names
    assert {"edgeir/_data/schemas/edgeir-bundle-1.schema.json", "edgeir/_data/LICENSE"} <= names
    assert {"edgeir/py.typed", "edgeir/cli/app.py", "edgeir-0.1.0.dist-info/licenses/LICENSE"} <= names


def test_the_wheel_stays_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 8 << 20


def test_names_are_found_outside_the_checkout(unpacked: Path) -> None:
    code = """
import json, edgeir
from edgeir.core.assets import find_asset, list_assets, list_zoo, zoo_folder
from edgeir.core.environment import git_revision
kinds = ("recipes", "profiles", "suites", "lint")
found = {kind: {name: str(find_asset(kind, name)) for name in list_assets(kind)} for kind in kinds}
print(json.dumps([edgeir.__file__, found, {name: str(zoo_folder(name)) for name in list_zoo()}, git_revision()]))
"""
    file, found, zoo, revision = json.loads(outside(unpacked, "-c", code))
    assert Path(file) == unpacked / "edgeir" / "__init__.py"
    for kind, names in found.items():
        assert sorted(names) == list_assets(kind)
        assert all(Path(path).is_relative_to(unpacked) for path in names.values())
    assert sorted(zoo) == list_zoo()
    assert all(Path(path).is_relative_to(unpacked) for path in zoo.values())
    assert revision is None


def test_the_command_line_works_outside_the_checkout(unpacked: Path) -> None:
    recipes = json.loads(outside(unpacked, "-m", "edgeir", "recipes", "--json"))
    assert [entry["name"] for entry in recipes] == list_assets("recipes")
    shown = outside(unpacked, "-m", "edgeir", "recipes", "show", recipes[0]["name"], "--as-written")
    assert shown.rstrip("\n") == (ROOT / "recipes" / f"{recipes[0]['name']}.yaml").read_text().rstrip("\n")
    assert set(json.loads(outside(unpacked, "-m", "edgeir", "models", "--json"))) == set(list_zoo())


def test_the_app_s_sources_are_in_the_wheel_without_its_tests(wheel: Path, unpacked: Path) -> None:
    from edgeir.android.template import source_files

    root = "edgeir/_data/android"
    with zipfile.ZipFile(wheel) as archive:
        there = {name for name in archive.namelist() if name.startswith(f"{root}/")}
    sources = source_files(ROOT / "export/android")
    assert there == {f"{root}/{path.relative_to(ROOT / 'export/android').as_posix()}" for path in sources}
    code = "from edgeir.core.assets import android_sources; print(android_sources())"
    assert Path(outside(unpacked, "-c", code).strip()) == unpacked / root


@pytest.mark.skipif("sr-x4" not in list_zoo(), reason="this checkout holds no trained network yet")
def test_a_photo_is_restored_with_nothing_but_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (9, 13, 3), dtype=np.uint8)).save(tmp_path / "in.png")
    outside(
        unpacked,
        "-m",
        "edgeir",
        "restore",
        str(tmp_path / "in.png"),
        str(tmp_path / "out.png"),
        "-m",
        "sr-x4",
    )
    with Image.open(tmp_path / "out.png") as restored:
        assert restored.size == (52, 36)
