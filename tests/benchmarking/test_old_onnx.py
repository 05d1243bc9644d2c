"""benchmarks/old_onnx.py: results of other networks and runtimes stay when some are measured anew."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def old_onnx(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    spec = importlib.util.spec_from_file_location("old_onnx", ROOT / "old_onnx.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "old_onnx", module)
    spec.loader.exec_module(module)
    return module


def rows(old_onnx, runtime, precision, runs):
    """What one measurement of some networks gives."""
    from old_runtimes import File, summarised

    files = [
        File(name, precision, Path(f"{name}.onnx"), None, np.zeros(0, np.float32))  # type: ignore[arg-type]
        for name in runs
    ]
    return summarised(runtime, "plain", files, list(runs.values()))


def ran(error):
    return {"ms": 1.5, "error_max": error, "judged": error}


def test_two_measurements_are_as_one_of_all_networks(old_onnx) -> None:
    first = {"a": ran(1e-6), "b": ran(0.5), "c": {"error": "no kernel"}}
    second = {"d": ran(3e-6), "e": {"ms": 1.0, "error_max": None, "judged": None}, "f": {"error": "unknown"}}
    old, new = old_onnx.RUNTIMES[0], old_onnx.RUNTIMES[3]
    before = [*rows(old_onnx, new, "fp32", first), *rows(old_onnx, old, "fp32", first)]
    now = rows(old_onnx, old, "fp32", second)
    merged = old_onnx.merged(before, now)
    assert [row["runtime"] for row in merged] == [old, new]
    (whole,) = rows(old_onnx, old, "fp32", first | second)
    assert merged[0] == whole
    assert merged[1] == before[0]


def test_a_network_that_is_measured_again_counts_as_it_is_now(old_onnx) -> None:
    runtime = old_onnx.RUNTIMES[0]
    before = rows(old_onnx, runtime, "fp32", {"a": ran(0.5), "b": ran(1e-6)})
    (merged,) = old_onnx.merged(before, rows(old_onnx, runtime, "fp32", {"a": ran(2e-6)}))
    assert (merged["files"], merged["right"], merged["not_right"]) == (2, 2, {})
    assert merged["each_error"] == {"a": 2e-6, "b": 1e-6}


def test_the_published_result_merged_with_a_part_of_itself_is_itself(old_onnx) -> None:
    published = json.loads(old_onnx.RESULT.read_text())["runs"]
    assert old_onnx.merged(published, []) == published
    again = [row for row in published if row["runtime"] == old_onnx.RUNTIMES[1]]
    merged = old_onnx.merged(published, again)
    assert old_onnx.table(merged) == old_onnx.table(published)


def test_the_networks_of_the_library_that_were_measured_are_those_of_the_result(old_onnx) -> None:
    from edgeir.exporting.targets.onnx.releases import MEASURED_NETWORKS

    published = json.loads(old_onnx.RESULT.read_text())["runs"]
    measured = {name.removesuffix("-gray") for row in published for name in row["each_error"]}
    assert measured == MEASURED_NETWORKS
