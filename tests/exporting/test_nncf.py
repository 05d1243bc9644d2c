"""NNCF as the quantiser of ONNX files: what holds for onnxruntime's quantiser holds here, and nothing is printed."""

from __future__ import annotations

import importlib.util

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgeir.core.errors import ExportError
from edgeir.exporting.targets.onnx.target import ONNX
from edgeir.models import PlainSRConfig
from edgeir.quantize.plan import LayerFormat, QuantizationPlan

from .conftest import Made, busy, convert
from .test_onnx import kinds, network_output, run
from .test_onnx_saturation import added_in_16_bits, integer_weights
from .test_onnx_saturation import run as run_exactly

pytestmark = pytest.mark.skipif(importlib.util.find_spec("nncf") is None, reason="needs edgeir[nncf]")
INT8 = LayerFormat(weights="int8", activations="int8")


@pytest.fixture(scope="module")
def made(tiny, calibration) -> Made:
    return convert(ONNX(precision="int8", quantizer="nncf"), tiny, None, "float", calibration)


def test_the_file_is_close_to_the_network_and_not_onnxruntimes(made, tiny, converted) -> None:
    image = np.random.default_rng(1).random((1, 3, 9, 14), dtype=np.float32)
    got = run(made.data, image)
    assert (got.min(), got.max()) == (0, 1)
    assert np.sqrt(np.mean((got - network_output(tiny, image)) ** 2)) < 0.02
    assert made.data != converted("onnx-int8", "float", None).data


def test_the_image_is_bytes_at_both_ends(made) -> None:
    model = onnx.load_from_string(made.data)
    onnx.checker.check_model(model, full_check=True)
    constants = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    ends = [
        node
        for node in model.graph.node
        if node.op_type.endswith("Linear")
        and (node.input[0] == "image" or "DepthToSpace" in users(model, node))
    ]
    assert len(ends) == 2
    for node in ends:
        assert constants[node.input[1]] == np.float32(1 / 255)
        assert constants[node.input[2]] == 0
    assert "Clip" not in kinds(made.data)


def users(model: onnx.ModelProto, node: onnx.NodeProto) -> list[str]:
    return [other.op_type for other in model.graph.node if node.output[0] in other.input]


def test_weights_activations_and_biases_are_integers_that_cannot_overflow(made) -> None:
    model = onnx.load_from_string(made.data)
    weights = integer_weights(made.data)
    assert len(weights) == 4
    for name, values in weights.items():
        assert values.dtype == np.int8
        assert -32768 <= added_in_16_bits(values).min() <= added_in_16_bits(values).max() <= 32767, name
    assert max(np.abs(values.astype(int)).max() for values in weights.values()) > 64
    types = {entry.name: numpy_helper.to_array(entry).dtype for entry in model.graph.initializer}
    points = {types[node.input[2]] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    assert points == {np.dtype(np.uint8)}
    sources = {
        node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"
    }
    biases = {types[sources[node.input[2]]] for node in model.graph.node if node.op_type == "Conv"}
    assert biases == {np.dtype(np.int32)}


def test_the_file_gives_here_what_it_gives_without_saturation(made) -> None:
    image = np.zeros((1, 3, 24, 24), np.float32)
    image[..., :12], image[:, 1, 6:] = 1, np.random.default_rng(0).random((1, 18, 24))
    got, exact = (run_exactly(made.data, image, without_saturation=wanted) for wanted in (False, True))
    np.testing.assert_array_equal(got, exact)


def test_it_is_the_same_each_time_and_says_nothing(
    made, tiny, calibration, capfd, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    again = convert(ONNX(precision="int8", quantizer="nncf"), tiny, None, "float", calibration)
    assert again.data == made.data
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
    assert [*tmp_path.iterdir()] == [], "statistics of use"


def test_no_ranges_by_entropy(tiny, calibration) -> None:
    with pytest.raises(ExportError, match=r"NNCF sets no ranges by entropy .choose target.ranges=minmax"):
        convert(ONNX(precision="int8", quantizer="nncf", ranges="entropy"), tiny, None, "float", calibration)


def test_no_mean_ranges_by_onnxruntime(tiny, calibration) -> None:
    with pytest.raises(ExportError, match="onnxruntime sets no ranges by mean"):
        convert(ONNX(precision="int8", ranges="mean"), tiny, None, "float", calibration)


@pytest.mark.slow
def test_bias_correction_takes_the_tint_away(tiny, calibration) -> None:
    shifts = []
    for correct in (False, True):
        target = ONNX(precision="int8", quantizer="nncf", correct_bias=correct)
        data = convert(target, tiny, None, "float", calibration).data
        tensors = [np.ascontiguousarray(x.transpose(2, 0, 1)[None]) for x in calibration]
        errors = [run(data, tensor) - network_output(tiny, tensor) for tensor in tensors]
        shifts.append(np.abs(np.mean(errors, axis=(0, 1, 3, 4))).max() * 255)
    assert shifts[1] < 0.2
    assert shifts[1] < shifts[0]


@pytest.mark.slow
@pytest.mark.parametrize("ranges", ["mean", "percentile"])
def test_other_ranges_make_other_files(ranges, made, tiny, calibration) -> None:
    target = ONNX(precision="int8", quantizer="nncf", ranges=ranges)
    assert convert(target, tiny, None, "float", calibration).data != made.data


@pytest.mark.slow
def test_the_named_layer_stays_in_float(calibration) -> None:
    network = busy(PlainSRConfig(channels=8, blocks=2, branches=()).build())
    plan = QuantizationPlan(default=INT8, layers={"body.2": LayerFormat()})
    target = ONNX(precision=plan, quantizer="nncf")
    model = onnx.load_from_string(convert(target, network, None, "float", calibration).data)
    constants = {entry.name for entry in model.graph.initializer}
    in_float = [node for node in model.graph.node if node.op_type == "Conv" and node.input[1] in constants]
    assert len(in_float) == 1
    plan = QuantizationPlan(default=INT8, layers={"tail": LayerFormat()})
    with pytest.raises(ExportError, match="the layer `tail` makes the output"):
        convert(ONNX(precision=plan, quantizer="nncf"), network, None, "float", calibration)


@pytest.mark.slow
def test_int8_activations_and_one_scale_per_layer(tiny, calibration) -> None:
    plan = QuantizationPlan(default=INT8.model_copy(update={"granularity": "tensor"}))
    target = ONNX(precision=plan, quantizer="nncf", activations="int8")
    data = convert(target, tiny, None, "float", calibration).data
    model = onnx.load_from_string(data)
    constants = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    points = {constants[n.input[2]].dtype for n in model.graph.node if n.op_type == "QuantizeLinear"}
    assert points == {np.dtype(np.int8)}
    sources = {n.output[0]: n for n in model.graph.node if n.op_type == "DequantizeLinear"}
    scales = [constants[sources[n.input[1]].input[1]].size for n in model.graph.node if n.op_type == "Conv"]
    assert set(scales) == {1}
    image = np.random.default_rng(1).random((1, 3, 9, 14), dtype=np.float32)
    assert np.sqrt(np.mean((run(data, image) - network_output(tiny, image)) ** 2)) < 0.03
