"""What all tests share: reproducible hypothesis runs, one torch thread, and the optional reference data."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

# Before numpy or torch is imported: two test processes share two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Matplotlib must not look for a display.
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import HealthCheck, settings

from edgeir.core.files import sha256_file, write_json
from edgeir.manifest.artifact import ARTIFACT_NAME, Artifact, ModelFile, TensorSpec
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import NotRun

settings.register_profile(
    "edgeir", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("edgeir")

ROOT = Path(__file__).resolve().parent.parent
LIGHT = "EDGEIR_LIGHT_TESTS"
"""Set where optional packages are absent on purpose (`tools/lowest.py`): what needs one is skipped and says which.
Where it is not set, a missing package is a failure: no run of all tests passes because torch is broken."""
ABSENT = re.compile(
    r"No module named '(torch|lightning_fabric|safetensors|sklearn|onnx\w*|litert_\w+)|edgeir\[(\w+)\]"
)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    return _skipped_where_absent((yield))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    return _skipped_where_absent((yield))


def _skipped_where_absent(report: Any) -> Any:
    missing = ABSENT.search(str(report.longrepr)) if os.environ.get(LIGHT) and report.failed else None
    if missing is not None:
        report.outcome = "skipped"
        report.longrepr = (report.nodeid, 0, f"Skipped: needs {missing[1] or f'edgeir[{missing[2]}]'}")
    return report


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


@pytest.fixture
def make_artifact() -> Callable[..., Path]:
    """Writes an artifact around model files of a few bytes, described by hand: ``make_artifact(folder, **what)``."""
    return _make_artifact


def _make_artifact(
    folder: Path,
    *,
    target: str = "tflite",
    sizes: Sequence[tuple[int, int] | None] = ((4, 4),),
    macs: int = 1000,
    scale: int = 4,
    precision: str = "int8",
) -> Path:
    """One file per size, `macs` each; the first is ``model.<suffix>``."""
    folder.mkdir(parents=True, exist_ok=True)
    suffix = {"tflite": ".tflite", "onnx": ".onnx", "coreml": ".mlpackage"}[target]
    layout = "NHWC" if target == "tflite" else "NCHW"
    files = []
    for index, size in enumerate(sizes):
        height, width = size or (None, None)
        path = folder / (f"model-{height}x{width}{suffix}" if index else f"model{suffix}")
        path.write_bytes(path.name.encode())
        shape = (1, height, width, 3) if layout == "NHWC" else (1, 3, height, width)
        spec = TensorSpec(name="x", shape=shape, layout=layout, dtype="float32")
        files.append(
            ModelFile(
                path=path.name,
                target=target,
                precision=precision,
                profile="p",
                inputs=(spec,),
                outputs=(spec,),
                bytes=path.stat().st_size,
                sha256=sha256_file(path),
                macs=macs,
                parity=NotRun(reason="a test", command="none"),
            )
        )
    artifact = Artifact(
        source="net",
        checkpoint_sha256="0" * 64,
        facts=NetworkFacts(scale=scale),
        parameters=7,
        files=tuple(files),
    )
    write_json(folder / ARTIFACT_NAME, artifact.model_dump(mode="json"))
    return folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """`tests/theirs.py` as a module of another package: its name, and the file that its import makes."""
    name = f"theirs_{tmp_path.name.replace('-', '_')}"
    shutil.copy(ROOT / "tests" / "theirs.py", tmp_path / f"{name}.py")
    monkeypatch.syspath_prepend(tmp_path)
    yield name, tmp_path / "ran"
    sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    """Playwright, once for a test process: a second one does not start beside it."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("Playwright is not installed (pip install playwright; it needs no browser of its own)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(autouse=True)
def log_reaches_the_test() -> None:
    """A command that a test interrupts can leave edgeir's log turned to stderr, where `caplog` does not hear it."""
    logger = logging.getLogger("edgeir")
    logger.propagate, logger.disabled = True, False
    logger.setLevel(logging.NOTSET)
