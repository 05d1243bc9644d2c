"""int8 ONNX files give the same on every CPU: no two neighbouring products overflow the 16 bits of x86 without VNNI."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from edgeir.exporting.targets.onnx.saturation import weight_overrides
from edgeir.exporting.targets.onnx.target import ONNX
from edgeir.models import PlainSRConfig
from edgeir.quantize.weight_scales import weight_scales

from .conftest import convert


def added_in_16_bits(weights: np.ndarray) -> np.ndarray:
    """What VPMADDUBSW would have to hold at worst, both signs, per pair of (out, in, rows, columns) int8 weights.

    Activations are 255 for one sign and 0 for the other; channels last, as kernels pack them.
    """
    rows = weights.astype(np.int64).transpose(0, 2, 3, 1).reshape(len(weights), -1)
    if rows.shape[1] % 2:
        rows = np.pad(rows, ((0, 0), (0, 1)))
    pairs = rows.reshape(len(rows), -1, 2)
    return np.stack([255 * np.maximum(pairs, 0).sum(2), 255 * np.minimum(pairs, 0).sum(2)])


def integer_weights(data: bytes) -> dict[str, np.ndarray]:
    """The int8 weights of every convolution of a QDQ graph, by the convolution's name."""
    graph = onnx.load_from_string(data).graph
    constants = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    sources = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    return {n.name: constants[sources[n.input[1]]] for n in graph.node if n.op_type == "Conv"}


def run(data: bytes, tensor: np.ndarray, *, without_saturation: bool) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    options.add_session_config_entry("session.x64quantprecision", str(int(without_saturation)))
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(["restored"], {"image": tensor})[0]


@pytest.mark.parametrize("activations", ["uint8", "int8"])
@pytest.mark.parametrize("weights", ["pairs", "reduced"])
@pytest.mark.parametrize("channels", [8, 7])
def test_no_pair_of_weights_can_overflow(weights, activations, channels, busy, calibration) -> None:
    network = busy(PlainSRConfig(channels=channels, blocks=1, branches=()).build())
    target = ONNX(precision="int8", weights=weights, activations=activations)
    found = integer_weights(convert(target, network, None, "float", calibration).data)
    assert len(found) == 4
    for name, values in found.items():
        assert values.dtype == np.int8
        assert -32768 <= added_in_16_bits(values).min() <= added_in_16_bits(values).max() <= 32767, name
    used = max(np.abs(values.astype(int)).max() for values in found.values())
    assert used == 64 if weights == "reduced" else used > 64


def test_all_eight_bits_can_overflow(busy, calibration) -> None:
    """What the default is there for; the option stays for CPUs that add in 32 bits."""
    network = busy(PlainSRConfig(channels=8, blocks=1, branches=()).build())
    made = convert(ONNX(precision="int8", weights="full"), network, None, "float", calibration)
    found = integer_weights(made.data)
    assert all(np.abs(values.astype(int)).max() == 127 for values in found.values())
    assert max(added_in_16_bits(values).max() for values in found.values()) > 32767


def test_the_file_gives_here_what_it_gives_without_saturation(tiny, calibration) -> None:
    made = convert(ONNX(precision="int8"), tiny, None, "float", calibration)
    tensor = np.zeros((1, 3, 24, 24), np.float32)
    tensor[..., :12], tensor[:, 1, 6:] = 1, np.random.default_rng(0).random((1, 18, 24))
    got, exact = (run(made.data, tensor, without_saturation=wanted) for wanted in (False, True))
    np.testing.assert_array_equal(got, exact)


@given(
    seed=st.integers(0, 9999),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3)),
    spread=st.sampled_from([1e-30, 1e-3, 1.0, 1e4]),
    power=st.sampled_from([1, 5]),
)
def test_scales_of_any_weights(seed: int, shape: tuple[int, ...], spread: float, power: int) -> None:
    """Safe, no coarser than 7 bits, no finer than 8; `power` 5 makes few weights much larger than the others."""
    weights = (np.random.default_rng(seed).normal(size=shape) ** power * spread).astype(np.float32)
    scales = {rule: weight_scales(weights, rule) for rule in ("pairs", "reduced", "full")}
    assert (scales["full"] * (1 - 1e-6) <= scales["pairs"]).all()
    assert (scales["pairs"] <= scales["reduced"] * 1.01).all()
    for rule in ("pairs", "reduced"):
        stored = np.clip(np.rint(weights / scales[rule].reshape(-1, 1, 1, 1)), -127, 127).astype(np.int8)
        assert -32768 <= added_in_16_bits(stored).min() <= added_in_16_bits(stored).max() <= 32767
        odd = np.pad(stored, ((0, 0), (0, shape[1] % 2), (0, 0), (0, 0)))  # packed position by position
        assert -32768 <= added_in_16_bits(odd).min() <= added_in_16_bits(odd).max() <= 32767


def test_a_silent_channel_keeps_a_usable_scale() -> None:
    assert (weight_scales(np.zeros((2, 3, 3, 3), np.float32), "pairs") == 1).all()


def test_other_multiplications_lose_a_bit() -> None:
    """Their kernels agree on no order, so the bound holds for every pair."""
    weight = numpy_helper.from_array(np.ones((3, 2), np.float32), "weight")
    node = onnx.helper.make_node("MatMul", ["image", "weight"], ["restored"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [], [weight]))
    [override] = weight_overrides(model, "pairs")["weight"]
    assert override["reduce_range"] is True
    assert weight_overrides(model, "full") == {}


def test_bias_correction_does_not_learn_this_cpus_saturation(busy, calibration) -> None:
    """With all 8 bits the file is the same wherever it is made."""
    network = busy(PlainSRConfig(channels=8, blocks=1, branches=()).build())
    data = convert(ONNX(precision="int8", weights="full"), network, None, "float", calibration).data
    errors = []
    for image in calibration:
        tensor = np.ascontiguousarray(image.transpose(2, 0, 1)[None])
        with torch.inference_mode():
            expected = network.deploy()(torch.from_numpy(tensor)).numpy()
        errors.append((run(data, tensor, without_saturation=True) - expected).mean((0, 2, 3)))
    assert np.abs(np.mean(errors, axis=0)).max() * 255 < 0.1


def test_integers_that_onnxruntime_cannot_run_are_refused_with_what_helps() -> None:
    from onnx import TensorProto, helper

    from edgeir.core.errors import ExportError
    from edgeir.exporting.targets.onnx import qdq

    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in ("image", "restored")
    ]
    graph = helper.make_graph(
        [helper.make_node("NoSuchThing", ["image"], ["restored"])], "g", ends[:1], ends[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    with pytest.raises(
        ExportError, match=r"cannot run the integers .*\(choose --precision w8 or fp16, --quantizer nncf"
    ):
        qdq._means(model, np.zeros((1, 4, 4, 3), np.float32), 1)


def test_a_constant_on_the_left_of_a_product_gets_one_scale_and_runs() -> None:
    from onnx import TensorProto, helper, numpy_helper

    from edgeir.exporting.targets.onnx import qdq

    generator = np.random.default_rng(0)
    constant = generator.normal(size=(3, 3)).astype(np.float32)
    flat, back = np.array([3, 16], np.int64), np.array([1, 3, 4, 4], np.int64)
    entry, exit_ = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in ("image", "restored")
    )
    nodes = [
        helper.make_node("Reshape", ["image", "flat"], ["columns"]),
        helper.make_node("MatMul", ["constant", "columns"], ["mixed"], name="product"),
        helper.make_node("Reshape", ["mixed", "back"], ["restored"]),
    ]
    constants = [
        numpy_helper.from_array(array, name)
        for name, array in (("constant", constant), ("flat", flat), ("back", back))
    ]
    graph = helper.make_graph(nodes, "g", [entry], [exit_], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    images = generator.random((2, 4, 4, 3), dtype=np.float32)
    integer = qdq.quantise_qdq(model, images, ranges="minmax", activations="uint8", weights="pairs")
    scales = {one.name: list(one.dims) for one in integer.graph.initializer if one.name == "constant_scale"}
    assert scales == {"constant_scale": []}
    got = qdq._outputs(integer, images)[0]
    expected = (constant @ images[0].reshape(16, 3).T).reshape(3, 4, 4).clip(0, 1)
    assert np.abs(got.clip(0, 1) - expected).max() < 0.02


def test_a_graph_that_stops_the_exact_kernels_is_computed_in_floats(
    converted, calibration, monkeypatch
) -> None:
    from edgeir.exporting.targets.onnx import qdq

    model = onnx.load_from_string(converted("onnx-int8", size=None).data)
    [exact] = qdq._outputs(model, calibration[:1])
    real, levels = onnxruntime.InferenceSession, []

    def stops_when_fused(content, options, **more):
        levels.append(options.graph_optimization_level)
        if len(levels) == 1:
            raise RuntimeError("attempt to replace the existing tensor")
        return real(content, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", stops_when_fused)
    [floats] = qdq._outputs(model, calibration[:1])
    assert len(levels) == 2
    assert np.abs(floats.astype(float) - exact).max() <= 1.01  # of 255 levels: the file gives bytes
