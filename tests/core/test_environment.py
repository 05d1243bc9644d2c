"""What a result says about software and machine."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeir.core import environment


def test_versions_name_what_is_installed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name in ("onnx", "torch"):
            raise importlib.metadata.PackageNotFoundError(name)
        return f"{name} 1"

    monkeypatch.setattr(importlib.metadata, "version", version)
    found = environment.versions()
    assert found["python"] == platform.python_version()
    assert found["edgeir"] == "edgeir 1"
    assert found["onnxruntime"] == "onnxruntime 1"
    assert "onnx" not in found
    assert {"scikit-learn", "h5py", "flatbuffers", "litert-converter", "numpy"} <= set(found)
    assert not {"pytest", "ruff", "mypy"} & set(found), "what develops edgeir decides no result"


def test_the_machine_is_described() -> None:
    machine = environment.machine()
    assert list(machine) == ["cpu", "architecture", "cores", "memory_mib", "os"]
    assert machine["cores"] == environment.available_cores() >= 1
    assert machine["cpu"]
    memory = int(machine["memory_mib"])
    assert memory > 256
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        total = re.search(r"MemTotal:\s+(\d+) kB", meminfo.read_text())
        assert total is not None
        assert memory == pytest.approx(int(total[1]) / 1024, rel=0.01)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_revision_is_that_of_the_checkout_that_holds_edgeir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = tmp_path / "edgeir" / "core"
    core.mkdir(parents=True)
    (core / "environment.py").write_text("one")
    monkeypatch.setattr(environment, "__file__", str(core / "environment.py"))
    assert environment.git_revision() is None, "no repository"

    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(tmp_path), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    head = git("rev-parse", "HEAD")
    # A git hook runs with these set; they must not lead to another repository.
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert environment.git_revision() == head
    (core / "untracked").write_text("x")
    assert environment.git_revision() == head
    (core / "environment.py").write_text("two")
    assert environment.git_revision() == f"{head}-dirty"
