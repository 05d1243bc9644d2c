"""What all tests share: reproducible hypothesis runs, one torch thread, and the optional reference data."""

from __future__ import annotations

import os
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


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a developer's machine remembers must not change what a test does, nor the reverse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEIR_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings must not change what a test sees."""
    monkeypatch.delenv("EDGEIR_DATA", raising=False)
    monkeypatch.delenv("EDGEIR_DEBUG", raising=False)
