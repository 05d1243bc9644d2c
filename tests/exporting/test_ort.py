"""Files in ONNX Runtime's own format: what the .onnx file computes, the same bytes each time, read by the runtime."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

from edgeir.core.errors import ExportError
from edgeir.exporting.targets.onnx.ort import ORT
from edgeir.exporting.targets.onnx.ort_bytes import format_version, same_bytes
from edgeir.models import PPCNSRConfig

from .conftest import convert
from .test_onnx import run


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 2e-6), ("int8", 0)])
@pytest.mark.parametrize("size", [None, (18, 33)])
def test_it_computes_what_the_onnx_file_computes(precision, tolerance, size, converted) -> None:
    image = np.random.default_rng(1).random((1, 3, *(size or (9, 14))), dtype=np.float32)
    ort, onnx = (converted(f"{kind}-{precision}", "float", size) for kind in ("ort", "onnx"))
    assert (ort.input, ort.output) == (onnx.input, onnx.output)
    np.testing.assert_allclose(run(ort.data, image), run(onnx.data, image), atol=tolerance, rtol=0)


def test_bytes_in_and_out(converted) -> None:
    levels = np.random.default_rng(3).integers(0, 256, (1, 9, 14, 3), dtype=np.uint8)
    got, wanted = (run(converted(f"{kind}-int8", "uint8", None).data, levels) for kind in ("ort", "onnx"))
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_same_network_gives_the_same_bytes(precision, tiny, calibration, converted) -> None:
    """As ONNX Runtime writes them they differ from one file to the next: see the test below."""
    first = converted(f"ort-{precision}", "float", None).data
    again = convert(ORT(precision=precision), tiny, None, "float", calibration).data
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(again).hexdigest()
    assert same_bytes(first) == first


def test_in_whatever_order_the_runtime_writes(tmp_path, tiny, calibration) -> None:
    """Each process has an order of its own; the network has many operators, so that two alike are unlikely."""
    from edgeir.exporting.targets.onnx.target import ONNX

    torch_network = PPCNSRConfig().build().eval()
    (tmp_path / "model.onnx").write_bytes(
        convert(ONNX(precision="int8"), torch_network, None, "float", calibration).data
    )
    code = (
        "import onnxruntime, sys\n"
        "options = onnxruntime.SessionOptions()\n"
        "options.log_severity_level = 4\n"
        "options.optimized_model_filepath = sys.argv[1]\n"
        "options.add_session_config_entry('session.save_model_format', 'ORT')\n"
        "level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED\n"
        "options.graph_optimization_level = level\n"
        "onnxruntime.InferenceSession('model.onnx', options, providers=['CPUExecutionProvider'])\n"
    )
    written = []
    for index in range(4):
        command = [sys.executable, "-c", code, f"{index}.ort"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        written.append((tmp_path / f"{index}.ort").read_bytes())
    assert len(set(written)) > 1
    assert len({same_bytes(data) for data in written}) == 1
    image = np.random.default_rng(0).random((1, 3, 16, 24), dtype=np.float32)
    np.testing.assert_array_equal(run(same_bytes(written[0]), image), run(written[0], image))


def test_what_a_runtime_must_know(converted) -> None:
    made = converted("ort-fp32", "float", None)
    assert made.data[4:8] == b"ORTM"
    assert made.needs is not None
    assert made.needs.stamp == f"ORT format {format_version(made.data)}"
    assert made.needs.stated == "1.16"


def test_the_facts_are_inside(converted) -> None:
    session = onnxruntime.InferenceSession(converted("ort-int8", "float", None).data)
    assert [*session.get_modelmeta().custom_metadata_map] == ["edgeir.facts"]


def test_fp16_is_refused_with_the_reason(tiny, calibration) -> None:
    with pytest.raises(ExportError, match=r"would hold float32 arithmetic between casts.*--precision fp32"):
        convert(ORT(precision="fp16"), tiny, None, "float", calibration)
