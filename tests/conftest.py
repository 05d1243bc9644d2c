"""What all tests share: reproducible hypothesis runs, one torch thread, and the optional reference data."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

# Before numpy or torch is imported: two test processes share two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Matplotlib must not look for a display.
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "edgeir", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("edgeir")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Reference images and weights that are not in the repository ($EDGEIR_SHARED, or ../shared)."""
    folder = Path(os.environ.get("EDGEIR_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("no reference data (set EDGEIR_SHARED to the folder that holds data/)")
    return folder


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings must not change what a test sees."""
    monkeypatch.delenv("EDGEIR_DATA", raising=False)
    monkeypatch.delenv("EDGEIR_DEBUG", raising=False)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """`tests/theirs.py` as a module of another package: its name, and the file that its import makes."""
    name = f"theirs_{tmp_path.name.replace('-', '_')}"
    shutil.copy(ROOT / "tests" / "theirs.py", tmp_path / f"{name}.py")
    monkeypatch.syspath_prepend(tmp_path)
    yield name, tmp_path / "ran"
    sys.modules.pop(name, None)
