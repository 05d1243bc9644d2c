"""The extras come from the metadata of the installed package."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

from edgeir.core import extras

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WRITTEN = PROJECT["optional-dependencies"]


def brought_by(extra: str) -> set[str]:
    """What pyproject.toml says that an extra brings, with the extras that it names."""
    found: set[str] = set()
    for line in WRITTEN[extra]:
        if match := re.fullmatch(r"edgeir\[(.+)\]", line):
            found = found.union(*(brought_by(name) for name in match[1].split(",")))
        else:
            found.add(re.split(r"[\[<>=]", line)[0].lower())
    return found


def test_every_extra_is_what_pyproject_says() -> None:
    found = extras.extras()
    assert set(found) == set(WRITTEN) - {"all", "dev"}
    for name, brings in found.items():
        assert set(brings) == brought_by(name), name
    wanted = {re.split(r"[<>=]", line)[0].lower() for line in PROJECT["dependencies"]}
    assert set(extras.base_distributions()) == wanted


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("torch", "train"), ("sklearn", "train"), ("lightning_fabric", "train"), ("onnxruntime", "onnx"),
        ("ai_edge_litert", "run"), ("ai_edge_quantizer", "litert"), ("flatbuffers", "litert"), ("h5py", "hdf5"),
        ("tensorflow", "tf"), ("ray", "ray"), ("pyarrow", "ray"), ("coremltools", "coreml"), ("nncf", "nncf"),
        ("numpy", None), ("left_pad", None),
    ],
)  # fmt: skip
def test_the_smallest_extra_that_brings_a_package_is_named(module: str, extra: str | None) -> None:
    assert extras.extra_of(module) == extra


def test_incomplete_extras_name_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = {"h5py", "flatbuffers"}

    def version(name: str) -> str:
        if name in absent:
            raise importlib.metadata.PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert extras.missing_extras() == {"hdf5": ["h5py"], "litert": ["flatbuffers"]}
