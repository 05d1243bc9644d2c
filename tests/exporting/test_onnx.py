"""ONNX files: dynamic sizes, precisions, ends, what they compute."""

from __future__ import annotations

import importlib.util

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from edgeir.core.errors import ExportError
from edgeir.exporting.targets.onnx.target import ONNX
from edgeir.models import DnCNNConfig, PlainSRConfig, PPCNSRConfig, SRCNNConfig

from .conftest import convert


def run(data: bytes, tensor: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(["restored"], {"image": tensor})[0]


def network_output(network, tensor: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network.deploy()(torch.from_numpy(tensor)).numpy()


def kinds(data: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(data).graph.node]


@pytest.mark.parametrize("profile", ["onnx-fp32", "onnx-fp16", "onnx-int8"])
@pytest.mark.parametrize("io", ["float", "uint8"])
@pytest.mark.parametrize("size", [None, (18, 33)])
def test_the_file_is_valid_and_its_ends_are_as_described(profile, io, size, converted) -> None:
    made = converted(profile, io, size)
    model = onnx.load_from_string(made.data)
    onnx.checker.check_model(model, full_check=True)
    ends = ((model.graph.input[0], made.input, 1), (model.graph.output[0], made.output, 4))
    for value, spec, factor in ends:
        sides = (None, None) if size is None else (size[0] * factor, size[1] * factor)
        layout, shape = ("NHWC", (1, *sides, 3)) if io == "uint8" else ("NCHW", (1, 3, *sides))
        assert (spec.name, spec.layout, spec.shape) == (value.name, layout, shape)
        tensor = value.type.tensor_type
        assert onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name == spec.dtype
        assert tuple(d.dim_value or None for d in tensor.shape.dim) == shape
    assert not any(node.doc_string or node.metadata_props for node in model.graph.node)


@pytest.mark.parametrize("size", [(9, 14), (1, 1), (16, 5)])
def test_fp32_is_the_network_at_any_size(size, tiny, converted) -> None:
    tensor = np.random.default_rng(1).random((1, 3, *size), dtype=np.float32)
    np.testing.assert_allclose(
        run(converted("onnx-fp32", "float", None).data, tensor), network_output(tiny, tensor), atol=2e-6
    )


@pytest.mark.parametrize(
    "config",
    [SRCNNConfig(), PPCNSRConfig(), PlainSRConfig(channels=6, blocks=2, tail_rank=5)],
    ids=["srcnn", "ppcn-sr", "low-rank tail"],
)
def test_int8_of_one_size_is_int8_of_any_size(config, calibration) -> None:
    torch.manual_seed(0)
    network = config.build().eval()
    tensor = np.random.default_rng(2).random((1, 3, 20, 36), dtype=np.float32)
    fixed, free = (
        convert(ONNX(precision="int8"), network, size, "float", calibration).data for size in ((20, 36), None)
    )
    np.testing.assert_array_equal(run(fixed, tensor), run(free, tensor))


def test_one_depth_to_space_and_no_layout_operator(converted) -> None:
    for profile in ("onnx-fp32", "onnx-int8"):
        found = kinds(converted(profile, "float", None).data)
        assert found.count("DepthToSpace") == 1
        assert not {"Transpose", "Reshape"} & set(found)


def test_fp16_computes_in_half_precision_between_float_ends(tiny, converted) -> None:
    data = converted("onnx-fp16", "float", None).data
    constants = onnx.load_from_string(data).graph.initializer
    assert sum(c.data_type == onnx.TensorProto.FLOAT16 for c in constants) >= 8
    tensor = np.random.default_rng(1).random((1, 3, 9, 14), dtype=np.float32)
    np.testing.assert_allclose(run(data, tensor), network_output(tiny, tensor), atol=2e-2)


def test_int8_drops_the_clip_and_still_clips(tiny, converted) -> None:
    data = converted("onnx-int8", "float", None).data
    assert "Clip" not in kinds(data)
    tensor = np.random.default_rng(1).random((1, 3, 9, 14), dtype=np.float32)
    got = run(data, tensor)
    assert (got.min(), got.max()) == (0, 1)
    assert np.sqrt(np.mean((got - network_output(tiny, tensor)) ** 2)) < 0.02


@pytest.mark.parametrize("quantizer", ["onnxruntime", pytest.param("nncf", marks=pytest.mark.slow)])
def test_int8_clips_behind_an_operator_that_is_not_quantised(quantizer, busy, calibration) -> None:
    """onnxruntime quantises no subtraction, and the clip is not there any more."""
    if importlib.util.find_spec(quantizer) is None:
        pytest.skip(f"{quantizer} is not installed")
    network = busy(DnCNNConfig(depth=3, width=8).build())
    tensor = np.random.default_rng(1).random((1, 3, 20, 14), dtype=np.float32)
    expected = network_output(network, tensor)
    assert expected.min() == 0, "the network clips"
    got = run(
        convert(ONNX(precision="int8", quantizer=quantizer), network, None, "float", calibration).data, tensor
    )
    assert got.min() == 0
    assert got.max() <= 1
    assert np.abs(got - expected).mean() < 0.004


def test_an_integer_file_with_byte_ends_holds_no_float_image(converted) -> None:
    found = kinds(converted("onnx-int8", "uint8", None).data)
    assert found[0] == "Transpose"
    assert found[-3:] == ["DepthToSpace", "QuantizeLinear", "Transpose"]
    assert not {"Cast", "Round", "Mul"} & set(found)


@pytest.mark.parametrize("profile", ["onnx-fp32", "onnx-int8"])
def test_bytes_in_and_out_give_what_floats_give(profile, converted) -> None:
    image = np.random.default_rng(3).integers(0, 256, (1, 9, 14, 3), dtype=np.uint8)
    levels = run(converted(profile, "uint8", None).data, image)
    tensor = np.ascontiguousarray((image / 255).astype(np.float32).transpose(0, 3, 1, 2))
    unit = run(converted(profile, "float", None).data, tensor).transpose(0, 2, 3, 1)
    assert (levels.dtype, levels.shape) == (np.uint8, (1, 36, 56, 3))
    np.testing.assert_allclose(levels / 255, unit, atol=0.5001 / 255 if profile == "onnx-fp32" else 1e-6)


def test_bias_correction_takes_the_tint_away(tiny, calibration) -> None:
    shifts = []
    for correct in (False, True):
        data = convert(ONNX(precision="int8", correct_bias=correct), tiny, None, "float", calibration).data
        tensors = [np.ascontiguousarray(x.transpose(2, 0, 1)[None]) for x in calibration]
        errors = [run(data, tensor) - network_output(tiny, tensor) for tensor in tensors]
        shifts.append(np.abs(np.mean(errors, axis=(0, 1, 3, 4))).max() * 255)
    assert shifts[1] < 0.1
    assert shifts[1] < shifts[0]


def test_a_size_multiple_becomes_part_of_the_shape(calibration) -> None:
    torch.manual_seed(0)
    network = PPCNSRConfig().build().eval()
    data = convert(ONNX(), network, None, "float", calibration).data
    for size in ((12, 20), (8, 8)):
        tensor = np.random.default_rng(0).random((1, 3, *size), dtype=np.float32)
        np.testing.assert_allclose(run(data, tensor), network_output(network, tensor), atol=1e-6)


def test_a_fixed_size_is_fixed(tiny, calibration) -> None:
    made = convert(ONNX(), tiny, (6, 7), "float", calibration)
    assert (made.input.shape, made.output.shape) == ((1, 3, 6, 7), (1, 3, 24, 28))
    with pytest.raises(Exception, match="dimensions"):
        run(made.data, np.zeros((1, 3, 8, 8), np.float32))


def test_a_failure_is_one_line_and_nothing_is_printed(tiny, calibration, capfd) -> None:
    class Broken(torch.nn.Module):
        facts = tiny.facts

        def deploy(self) -> torch.nn.Module:
            return self.eval()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if float(x.sum()) > 0 else -x  # control flow on data cannot be exported

    with pytest.raises(ExportError, match="the ONNX conversion failed") as caught:
        convert(ONNX(), Broken(), None, "float", calibration)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    convert(ONNX(precision="int8"), tiny, None, "float", calibration)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
