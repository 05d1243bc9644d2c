"""Files on an onnxruntime of 2024, where ``benchmarks/old_onnx.py`` made its environment; nothing is installed here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from .test_onnx import network_output

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ENVIRONMENTS = Path(
    os.environ.get("EDGEIR_OLD_RUNTIMES", Path(tempfile.gettempdir()) / "edgeir-old-runtimes")
)
OLD = ENVIRONMENTS / "onnxruntime-1.17.3"


@pytest.mark.slow
@pytest.mark.skipif(not OLD.is_dir(), reason=f"{OLD} is not there: python benchmarks/old_onnx.py makes it")
@pytest.mark.parametrize(
    ("profile", "tolerance"),
    [("onnx-fp32", 2e-6), ("onnx-fp16", 2e-2), ("onnx-int8", 0.1), ("ort-fp32", 2e-6)],
)
def test_it_runs_and_is_right_there(profile, tolerance, tiny, converted, tmp_path) -> None:
    image = np.random.default_rng(1).random((1, 3, 12, 10), dtype=np.float32)
    model = tmp_path / f"model.{profile.partition('-')[0]}"
    model.write_bytes(converted(profile, "float", None).data)
    np.save(tmp_path / "in.npy", image)
    worker = [sys.executable, "-S", str(BENCHMARKS / "old_onnx_worker.py"), str(model)]
    ends = [str(tmp_path / "in.npy"), str(tmp_path / "out.npy")]
    done = subprocess.run(
        [*worker, *ends, "optimised", "1"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(OLD)},
    )
    assert "error" not in json.loads(done.stdout), done.stdout
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), network_output(tiny, image), atol=tolerance)
