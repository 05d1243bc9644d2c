"""LiteRT files: their operators, their ends, what they compute."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeir.core.errors import ExportError
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.target import LiteRT, clean_problems
from edgeir.models import PlainSRConfig, PPCNSRConfig, SRCNNConfig

from .conftest import convert

ALLOWED = {"CONV_2D", "CONCATENATION", "ADD", "RELU", "DEPTH_TO_SPACE", "QUANTIZE", "DEQUANTIZE"}


def network_output(network, image: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network.deploy()(torch.from_numpy(image.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)


@pytest.mark.parametrize(
    ("profile", "io"),
    [("tflite-fp32", "float"), ("tflite-fp16", "float"), ("tflite-int8", "float"), ("tflite-int8", "uint8")],
)
def test_the_graph_is_clean_and_nhwc(profile, io, converted) -> None:
    made = converted(profile, io)
    graph = Graph(made.data)
    kinds = graph.kinds()
    assert set(kinds) <= ALLOWED
    assert kinds.count("DEPTH_TO_SPACE") == 1
    assert clean_problems(graph) == []
    dtype = "uint8" if io == "uint8" else "float32"
    assert (made.input.shape, made.input.layout, made.input.dtype) == ((1, 12, 10, 3), "NHWC", dtype)
    assert (made.output.shape, made.output.layout, made.output.dtype) == ((1, 48, 40, 3), "NHWC", dtype)
    assert (made.input.name, made.output.name) == ("image", "restored")


def test_relu_is_fused_into_the_convolutions(converted) -> None:
    graph = Graph(converted("tflite-fp32").data)
    fused = [
        op.builtinOptions.fusedActivationFunction for op in graph.operators if graph.kind(op) == "CONV_2D"
    ]
    assert fused == [graph.activation("RELU")] * 2 + [graph.activation("RELU_N1_TO_1")]


def test_fp32_is_the_network(tiny, converted, run_litert) -> None:
    image = np.random.default_rng(2).random((1, 12, 10, 3), dtype=np.float32)
    got = run_litert(converted("tflite-fp32").data, image)
    assert (got == 0).any()
    assert (got == 1).any()
    np.testing.assert_allclose(got, network_output(tiny, image), atol=2e-6)


def test_fp16_halves_the_weights(tiny, converted, run_litert) -> None:
    image = np.random.default_rng(2).random((1, 12, 10, 3), dtype=np.float32)
    data = converted("tflite-fp16").data
    graph = Graph(data)
    halves = [i for op in graph.operators for i in map(int, op.inputs) if graph.dtype(i) == "FLOAT16"]
    assert len(halves) >= 3
    np.testing.assert_allclose(run_litert(data, image), network_output(tiny, image), atol=5e-3)


def test_int8_is_integer_inside_with_exact_ends(converted) -> None:
    graph = Graph(converted("tflite-int8").data)
    inner = [op for op in graph.operators if graph.kind(op) not in ("QUANTIZE", "DEQUANTIZE")]
    assert all(graph.dtype(int(i)) in ("INT8", "INT32") for op in inner for i in (*op.inputs, *op.outputs))
    kinds = graph.kinds()
    assert (kinds[0], kinds[-2:]) == ("QUANTIZE", ["DEPTH_TO_SPACE", "DEQUANTIZE"])
    for operator in (graph.operators[0], graph.operators[-1]):
        integer = int((operator.outputs if graph.kind(operator) == "QUANTIZE" else operator.inputs)[0])
        scale, zero_point = graph.quantisation(integer)
        assert scale == pytest.approx(1 / 255, rel=1e-6)
        assert zero_point == -128
    weights = [graph.tensor(int(op.inputs[1])) for op in inner if graph.kind(op) == "CONV_2D"]
    assert all(len(weight.quantization.scale) == weight.shape[0] for weight in weights)


def test_bytes_in_and_out_give_what_floats_give(converted, run_litert) -> None:
    image = np.random.default_rng(3).integers(0, 256, (1, 12, 10, 3), dtype=np.uint8)
    levels = run_litert(converted("tflite-int8", "uint8").data, image)
    unit = run_litert(converted("tflite-int8", "float").data, (image / 255).astype(np.float32))
    assert levels.dtype == np.uint8
    np.testing.assert_allclose(levels / 255, unit, atol=1e-6)


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("rule", ["minmax", "percentile", "mse"])
def test_int8_stays_close_with_every_range_rule(rule, merge, tiny, calibration, run_litert) -> None:
    target = LiteRT(precision="int8", ranges=rule, merge_residual=merge)
    data = convert(target, tiny, (16, 16), "float", calibration).data
    error = run_litert(data, calibration[:1]) - network_output(tiny, calibration[:1])
    assert 1e-5 < np.sqrt(np.mean(error**2)) < 0.02


def test_bias_correction_takes_the_tint_away(tiny, calibration, run_litert) -> None:
    shifts = []
    for correct in (False, True):
        target = LiteRT(precision="int8", merge_residual=False, correct_bias=correct)
        data = convert(target, tiny, (16, 16), "float", calibration).data
        errors = [run_litert(data, x[None]) - network_output(tiny, x[None]) for x in calibration]
        shifts.append(np.abs(np.mean(errors, axis=(0, 1, 2, 3))).max() * 255)
    assert shifts[1] < 0.1
    assert shifts[1] < shifts[0]


@pytest.mark.parametrize(
    "config",
    [SRCNNConfig(), PPCNSRConfig(), PlainSRConfig(channels=6, blocks=2, tail_rank=5)],
    ids=["srcnn", "ppcn-sr", "low-rank tail"],
)
def test_other_networks_convert_to_clean_graphs(config, calibration, run_litert) -> None:
    torch.manual_seed(0)
    network = config.build().eval()
    made = convert(LiteRT(), network, (16, 12), "float", calibration)
    assert clean_problems(Graph(made.data)) == []
    image = np.random.default_rng(4).random((1, 16, 12, 3), dtype=np.float32)
    np.testing.assert_allclose(run_litert(made.data, image), network_output(network, image), atol=1e-6)


def test_what_it_cannot_do_is_one_line(tiny, calibration) -> None:
    with pytest.raises(ExportError, match="fixed input size.*--size"):
        convert(LiteRT(), tiny, None, "float", calibration)
    with pytest.raises(ExportError, match="--io uint8 needs --precision int8"):
        convert(LiteRT(), tiny, (8, 8), "uint8", calibration)


def test_a_graph_that_stays_unclean_is_refused(calibration) -> None:
    class Unknown(torch.nn.Module):
        facts = PPCNSRConfig().build().facts

        def deploy(self) -> torch.nn.Module:
            return self.eval()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (
                x.flip(1)
                .reshape(1, 9, 8, 8)
                .reshape(1, 3, 3, 8, 8)
                .transpose(1, 2)
                .reshape(1, 9, 8, 8)[:, :3]
            )

    with pytest.raises(ExportError) as caught:
        convert(LiteRT(), Unknown(), (24, 8), "float", calibration)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert "not clean" in str(caught.value)


def test_nothing_is_printed(tiny, calibration, capfd) -> None:
    convert(LiteRT(precision="int8"), tiny, (8, 8), "float", calibration)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
