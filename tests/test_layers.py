"""What must work without torch does, and the layers are those of pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

BLOCK_TORCH = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "lightning_fabric", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""


@pytest.mark.parametrize(
    "package", ["android", "core", "imaging", "manifest", "metrics", "reporting", "restoring"]
)
def test_a_package_and_all_its_modules_import_without_torch(package: str) -> None:
    code = f"""{BLOCK_TORCH}
package = importlib.import_module("edgeir.{package}")
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_command_that_needs_torch_says_what_to_install() -> None:
    code = f"""{BLOCK_TORCH}
from edgeir.cli.app import main
sys.exit(main(["train", "super-resolution/demo", "--out", "nowhere"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.rstrip().endswith("which is not installed (pip install 'edgeir[train]')")


def test_every_package_is_in_the_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = [entry for entry in contracts["contracts"] if entry["type"] == "layers"]
    listed = {name.strip() for layer in layers["layers"] for name in layer.split("|")}
    there = {path.parent.name for path in (ROOT / "edgeir").glob("*/__init__.py")}
    assert listed == {*there, "api"}
    assert layers["exhaustive"] is True
