"""Every precision beyond float and int8, proved from the tensors of the file, and against other implementations."""

from __future__ import annotations

import re

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from ai_edge_quantizer import quantizer, recipe
from onnx import numpy_helper

from edgeir.core.errors import ExportError
from edgeir.exporting.profile import read_profile
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.quantize.weights import store_weights
from edgeir.exporting.targets.litert.target import LiteRT
from edgeir.exporting.targets.onnx.target import ONNX
from edgeir.models import FFDNetConfig, PlainSRConfig
from edgeir.quantize.plan import LayerFormat, QuantizationPlan

from .conftest import SIZE, busy, convert

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D")


def weighted(graph: Graph) -> list:
    return [operator for operator in graph.operators if graph.kind(operator) in WEIGHTED]


def scales(graph: Graph, index: int) -> int:
    return len(graph.tensor(index).quantization.scale)


def image(seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random((1, *SIZE, 3), dtype=np.float32)


def test_w8_stores_every_weight_in_8_bits_per_channel_and_computes_in_float(converted) -> None:
    graph = Graph(converted("tflite-w8").data)
    for operator in weighted(graph):
        given, weights, bias = (int(index) for index in operator.inputs)
        assert graph.dtype(given) == graph.dtype(bias) == graph.dtype(int(operator.outputs[0])) == "FLOAT32"
        made = graph.producer(weights)
        assert graph.kind(made) == "DEQUANTIZE"
        assert graph.version(made) == 5
        stored = int(made.inputs[0])
        assert graph.dtype(stored) == "INT8"
        assert graph.constant(stored) is not None
        assert scales(graph, stored) == graph.shape(weights)[0]
        assert np.abs(graph.constant(stored)).max() == 127
    assert "QUANTIZE" not in graph.kinds()


def test_dynamic_convolutions_read_8_bit_weights_and_float_images(converted) -> None:
    graph = Graph(converted("tflite-dynamic").data)
    for operator in weighted(graph):
        given, weights, bias = (int(index) for index in operator.inputs)
        assert graph.dtype(weights) == "INT8"
        assert graph.dtype(given) == graph.dtype(bias) == graph.dtype(int(operator.outputs[0])) == "FLOAT32"
        assert scales(graph, weights) == graph.shape(weights)[0]
        assert graph.version(operator) == 5
    assert not {"QUANTIZE", "DEQUANTIZE"} & set(graph.kinds())


def test_int16x8_computes_in_16_bits_with_8_bit_weights_and_64_bit_biases(converted) -> None:
    graph = Graph(converted("tflite-int16x8").data)
    for operator in weighted(graph):
        given, weights, bias = (int(index) for index in operator.inputs)
        assert graph.dtype(given) == graph.dtype(int(operator.outputs[0])) == "INT16"
        assert (graph.dtype(weights), graph.dtype(bias)) == ("INT8", "INT64")
        assert scales(graph, weights) == graph.shape(weights)[0]
        for index in (given, int(operator.outputs[0])):
            assert graph.quantisation(index)[1] == 0
        assert graph.version(operator) == 4
    for operator in graph.operators:  # the ends and the shuffle apart, nothing is float
        if graph.kind(operator) not in ("QUANTIZE", "DEQUANTIZE", "DEPTH_TO_SPACE"):
            assert graph.dtype(int(operator.outputs[0])) == "INT16", graph.kind(operator)
    [entry] = [op for op in graph.operators if graph.kind(op) == "QUANTIZE"]
    np.testing.assert_allclose(graph.quantisation(int(entry.outputs[0])), (1 / 32767, 0), rtol=1e-6)


def test_int8_tensor_has_one_weight_scale_for_each_layer(converted) -> None:
    graph = Graph(converted("tflite-int8-tensor").data)
    for operator in weighted(graph):
        given, weights, bias = (int(index) for index in operator.inputs)
        assert graph.dtype(given) == graph.dtype(weights) == graph.dtype(int(operator.outputs[0])) == "INT8"
        assert graph.dtype(bias) == "INT32"
        assert scales(graph, weights) == scales(graph, bias) == 1


@pytest.mark.parametrize("form", ["weight_only_wi8_afp32", "dynamic_wi8_afp32"])
def test_the_8_bit_weights_are_those_of_the_makers_quantiser(converted, form: str) -> None:
    data = converted("tflite-fp32").data
    theirs = Graph(
        bytes(
            quantizer.Quantizer(bytearray(data), getattr(recipe, form)())
            .quantize(enable_progress_bar=False, enable_progress_report=False)
            .quantized_model
        )
    )
    ours = Graph(data)
    assert store_weights(ours, dynamic=form.startswith("dynamic")) == len(weighted(ours))
    for mine, other in zip(weighted(ours), weighted(theirs), strict=True):
        found = []
        for graph, operator in ((ours, mine), (theirs, other)):
            index = int(operator.inputs[1])
            if form.startswith("weight"):
                index = int(graph.producer(index).inputs[0])
            found.append((graph.constant(index), graph.tensor(index).quantization.scale))
        np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-6)
        assert np.abs(found[0][0].astype(int) - found[1][0]).max() <= 1  # a tie, by the last bit of a scale
        assert (found[0][0] == found[1][0]).mean() > 0.99


@pytest.mark.parametrize("flat_rounding", [False, True])
@pytest.mark.parametrize("precision", ["w8", "dynamic", "int16x8"])
def test_the_image_is_that_of_the_network_with_rounded_weights(
    precision: str, flat_rounding: bool, tiny, calibration, run_litert
) -> None:
    """Weights rounded in torch, everything else in float: w8 is that, 16 bits are next to it, 8 bits further off.

    Rounded for flat areas, they are numbers that the format's own rounding has to find again.
    """
    import copy

    import torch

    from edgeir.quantize.rounding import rounded as flat

    rounded = copy.deepcopy(tiny.deploy())
    layers = {name: each for name, each in rounded.named_modules() if isinstance(each, torch.nn.Conv2d)}
    for module in layers.values():
        step = module.weight.abs().amax((1, 2, 3), keepdim=True) / 127
        module.weight.data = torch.round(module.weight / step) * step
    if flat_rounding:
        rounded = flat(tiny, layers, images=calibration).deploy()
    with torch.inference_mode():
        expected = rounded(torch.from_numpy(image().transpose(0, 3, 1, 2).copy())).numpy()
    target = LiteRT(
        precision=precision, correct_bias=False, merge_residual=False, flat_rounding=flat_rounding
    )
    got = run_litert(convert(target, tiny, SIZE, "float", calibration).data, image())
    error = np.abs(got - expected.transpose(0, 2, 3, 1))
    assert error.max() < {"w8": 1e-5, "dynamic": 0.08, "int16x8": 2e-3}[precision]
    if precision == "dynamic":
        assert error.max() > 1e-4, "the images were not quantised"


@pytest.mark.parametrize("io", ["uint8", "int8"])
def test_int16x8_takes_and_gives_bytes(io, converted, run_litert) -> None:
    bytes_in = np.random.default_rng(1).integers(0, 256, (1, *SIZE, 3), dtype=np.uint8)
    real = run_litert(converted("tflite-int16x8").data, (bytes_in / 255).astype(np.float32))
    given = bytes_in if io == "uint8" else (bytes_in.astype(int) - 128).astype(np.int8)
    made = converted("tflite-int16x8", io)
    got = run_litert(made.data, given)
    assert made.output.dtype == got.dtype.name == io
    levels = got.astype(int) + (128 if io == "int8" else 0)
    assert np.abs(levels - np.rint(real * 255)).max() <= 1
    assert real.min() == 0  # clipped below, as the network's output is
    assert real.max() == 1


def test_bias_correction_takes_the_tint_of_rounded_weights_away(tiny, calibration, run_litert) -> None:
    import torch

    network = busy(PlainSRConfig(channels=8, blocks=1, branches=(), scale=2).build(), seed=4)
    inputs = np.random.default_rng(0).random((6, 16, 16, 3), dtype=np.float32)
    with torch.inference_mode():
        wanted = (
            network.deploy()(torch.from_numpy(inputs.transpose(0, 3, 1, 2).copy())).numpy().mean((0, 2, 3))
        )
    shifts = {}
    for corrected in (False, True):
        target = LiteRT(precision="w8", correct_bias=corrected)
        data = convert(target, network, (16, 16), "float", inputs).data
        means = np.mean([run_litert(data, one[None]).mean((0, 1, 2)) for one in inputs], axis=0)
        shifts[corrected] = np.abs(means - wanted).max()
    assert shifts[True] < 0.2 * shifts[False]


def test_onnx_w8_stores_every_weight_in_8_bits_per_channel(converted) -> None:
    model = onnx.load_from_string(converted("onnx-w8", size=None).data)
    constants = {entry.name: numpy_helper.to_array(entry) for entry in model.graph.initializer}
    made = {node.output[0]: node for node in model.graph.node}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert convolutions
    for node in convolutions:
        maker = made[node.input[1]]
        numbers, scale, zero = (constants[name] for name in maker.input)
        assert maker.op_type == "DequantizeLinear"
        assert numbers.dtype == zero.dtype == np.int8
        assert scale.shape == (len(numbers),)
        assert not zero.any()
        assert constants[node.input[2]].dtype == np.float32
    assert "QuantizeLinear" not in {node.op_type for node in model.graph.node}
    assert {entry.version for entry in model.opset_import} == {13}


def test_w8_is_one_network_in_both_formats(tiny, calibration, run_litert) -> None:
    settings = {"precision": "w8", "correct_bias": False}
    theirs = convert(ONNX(**settings), tiny, None, "float", calibration).data
    session = onnxruntime.InferenceSession(theirs, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"image": image().transpose(0, 3, 1, 2).copy()})[0].transpose(0, 2, 3, 1)
    ours = convert(LiteRT(**settings, merge_residual=False), tiny, SIZE, "float", calibration).data
    np.testing.assert_allclose(run_litert(ours, image()), expected, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_with_a_constant_map_has_every_precision(channels: int, run_litert) -> None:
    network = busy(FFDNetConfig(channels=channels, depth=3, width=8).build())
    inputs = np.random.default_rng(0).random((3, 16, 16, channels), dtype=np.float32)
    for precision in ("w8", "dynamic", "int8-tensor", "int16x8"):
        data = convert(LiteRT(precision=precision), network, (16, 16), "float", inputs).data
        assert run_litert(data, inputs[:1]).shape == (1, 16, 16, channels)


@pytest.mark.parametrize(("target", "precision"), [(LiteRT, "w8"), (LiteRT, "dynamic"), (ONNX, "w8")])
def test_a_plan_with_8_bit_weights_keeps_named_layers_in_float(target, precision, tiny, calibration) -> None:
    default = target(precision=precision).precision.default
    plan = QuantizationPlan(default=default, layers={"body.*": LayerFormat()})
    made = target(precision=plan)
    assert made.precision.name == f"{precision}-mixed"
    size = SIZE if target is LiteRT else None
    data = convert(made, tiny, size, "float", calibration).data
    if target is LiteRT:
        graph = Graph(data)
        kinds = [
            graph.dtype(int(op.inputs[1]))
            for op in weighted(graph)
            if graph.producer(int(op.inputs[1])) is None
        ]
        assert kinds.count("FLOAT32") == 2
    else:
        model = onnx.load_from_string(data)
        constants = {entry.name for entry in model.graph.initializer}
        floats = [node for node in model.graph.node if node.op_type == "Conv" and node.input[1] in constants]
        assert len(floats) == 2
    absent = QuantizationPlan(default=default, layers={"nose": LayerFormat()})
    with pytest.raises(ExportError, match=re.escape("the network has no layer `nose`")):
        convert(target(precision=absent), tiny, size, "float", calibration)


@pytest.mark.parametrize(("precision", "close"), [("int16x8", 2e-3), ("int8", 0.05)])
def test_a_layer_that_puts_out_zeros_only_leaves_the_next_ones_bias_whole(
    precision, close, calibration, run_litert
) -> None:
    """In steps of that layer's range, which is next to nothing, the bias took more than 32 bits and was cut off."""
    network = busy(PlainSRConfig(scale=2, channels=8, blocks=3, branches=()).build())
    silent, behind = (network.body[index].conv.conv for index in (1, 2))
    with torch.no_grad():
        silent.bias.fill_(-30.0)
        behind.weight.mul_(0.002)
        behind.bias.copy_(torch.linspace(0.5, 1.5, 8))
    made = convert(read_profile(f"tflite-{precision}").target, network, SIZE, "float", calibration)
    given = image()
    with torch.no_grad():
        expected = network.deploy()(torch.from_numpy(given).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    assert expected.std() > 0.05
    assert np.abs(run_litert(made.data, given) - expected).mean() < close
