"""benchmarks/old_runtimes.py: what it counts, on one small network and the runtime that is here."""

import importlib.util
import sys
from pathlib import Path

import ai_edge_litert
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(ai_edge_litert.__file__).resolve().parents[1]
"""The folder that holds the installed runtime."""


@pytest.fixture
def script(monkeypatch):
    def load(name):
        spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return load


def test_a_file_is_run_by_a_process_of_its_own_and_compared(script, tmp_path) -> None:
    old = script("old_runtimes")
    [file] = old.converted(["aod-net"], ["fp16"], tmp_path)
    done = old.run(file, HERE, "xnnpack")
    assert done["ms"] > 0
    assert 0 < done["error_max"] < old.RIGHT["fp16"]
    wrong = old.File(file.network, file.precision, file.path, file.output, file.expected + 0.5)
    off = old.run(wrong, HERE, "plain")
    assert off["error_max"] == pytest.approx(0.5, abs=0.01)
    file.path.write_bytes(b"nothing")
    refused = old.run(file, HERE, "plain")
    assert "error" in refused
    missing = old.run(file, tmp_path, "plain")  # no runtime is there
    assert "the process ended with 1" in missing["error"]
    [row] = old.summarised("here", "xnnpack", [file, wrong, file], [done, off, refused])
    assert (row["files"], row["right"], row["wrong"], row["refused"]) == (3, 1, 1, 1)
    assert row["worst_error"] == off["error_max"]


def test_what_is_not_a_number_is_wrong(script) -> None:
    old = script("old_runtimes")
    file = old.File("net", "fp16", Path("net.tflite"), None, np.zeros(0, np.float32))
    [row] = old.summarised("here", "xnnpack", [file], [{"ms": 1.0, "error_max": None, "judged": None}])
    assert (row["right"], row["wrong"], row["not_right"]) == (0, 1, {"net": "NaN"})
