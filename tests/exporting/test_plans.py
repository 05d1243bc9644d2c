"""Plans beyond one precision for all: layers kept in float, one scale for a layer, and what is refused."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from edgeir.core.errors import ExportError
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.target import LiteRT
from edgeir.exporting.targets.onnx.target import ONNX
from edgeir.models import PlainSRConfig
from edgeir.quantize.plan import LayerFormat, QuantizationPlan

from .conftest import busy, convert

INT8 = LayerFormat(weights="int8", activations="int8")
FIRST_IN_FLOAT = QuantizationPlan(default=INT8, layers={"body.0": LayerFormat()})


@pytest.fixture(scope="module")
def network():
    return busy(PlainSRConfig(channels=8, blocks=2, branches=()).build())


def test_litert_keeps_the_named_layer_in_float(network, calibration) -> None:
    target = LiteRT(precision=FIRST_IN_FLOAT, merge_residual=False)
    graph = Graph(convert(target, network, (12, 10), "float", calibration).data)
    kinds = [
        graph.dtype(int(operator.inputs[1]))
        for operator in graph.operators
        if graph.kind(operator) == "CONV_2D"
    ]
    assert sorted(kinds) == ["FLOAT32", "INT8", "INT8", "INT8", "INT8"]


def test_onnx_keeps_the_named_layer_in_float(network, calibration) -> None:
    made = onnx.load_from_string(
        convert(ONNX(precision=FIRST_IN_FLOAT), network, None, "float", calibration).data
    )
    constants = {entry.name for entry in made.graph.initializer}
    convolutions = [node for node in made.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 5
    assert sum(node.input[1] in constants for node in convolutions) == 1, (
        "float weights come without a Dequantize"
    )


SIXTEEN = LayerFormat(weights="int8", activations="int16")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ({"body.2": SIXTEEN}, ["INT16", "INT8", "INT8", "INT8", "INT8"]),
        ({"tail": SIXTEEN}, ["INT16", "INT8", "INT8", "INT8", "INT8"]),
        ({"tail": LayerFormat()}, ["FLOAT32", "INT8", "INT8", "INT8", "INT8"]),
        ({"body.*": SIXTEEN, "tail": LayerFormat()}, ["FLOAT32", "INT16", "INT16", "INT16", "INT8"]),
    ],
    ids=["16 bits inside", "16 bits at the end", "float at the end", "both"],
)
def test_litert_keeps_single_layers_at_16_bits_or_float_also_at_the_end(
    layers, expected, network, calibration, run_litert
) -> None:
    plan = QuantizationPlan(default=INT8, layers=layers)
    target = LiteRT(precision=plan, merge_residual=False)
    image = np.random.default_rng(2).random((1, 12, 10, 3), dtype=np.float32)
    data = convert(target, network, (12, 10), "float", calibration).data
    graph = Graph(data)
    convolutions = [operator for operator in graph.operators if graph.kind(operator) == "CONV_2D"]
    assert sorted(graph.dtype(int(operator.outputs[0])) for operator in convolutions) == expected
    in_integers = convert(
        LiteRT(precision="int8", merge_residual=False), network, (12, 10), "float", calibration
    )
    assert np.abs(run_litert(data, image) - run_litert(in_integers.data, image)).mean() < 0.01
    for io in ("uint8", "int8"):
        made = convert(target, network, (12, 10), io, calibration)
        given = np.rint(image * 255) - (128 if io == "int8" else 0)
        levels = run_litert(made.data, given.astype(io)).astype(int) + (128 if io == "int8" else 0)
        real = run_litert(data, np.rint(image * 255).astype(np.float32) / np.float32(255))
        assert np.abs(levels - np.rint(real * 255)).max() <= 1


def test_a_layer_is_kept_at_16_bits_in_an_int8_plan_only(network, calibration) -> None:
    plan = QuantizationPlan(
        default=LayerFormat(weights="int8", activations="float16"), layers={"body.0": SIXTEEN}
    )
    with pytest.raises(ExportError, match=r"`body.0` can be kept in float32 only, not as .* in int16"):
        convert(LiteRT(precision=plan), network, (12, 10), "float", calibration)
    plan = QuantizationPlan(default=INT8, layers={"body.0": SIXTEEN})
    with pytest.raises(ExportError, match=r"`body.0` can be kept in float32 only, not as .* in int16"):
        convert(ONNX(precision=plan), network, None, "float", calibration)


@pytest.mark.parametrize("target", [LiteRT, ONNX])
def test_a_mixed_file_is_closer_to_the_network(target, network, calibration, tmp_path) -> None:
    from edgeir.exporting.profile import ExportProfile, read_profile
    from edgeir.exporting.run import export_network

    from .conftest import card_of

    errors = []
    mixed = QuantizationPlan(default=INT8, layers={"body.*": LayerFormat()})
    for precision in (QuantizationPlan(default=INT8), mixed):
        settings = read_profile(f"{target().kind}-int8")
        loose = dict.fromkeys(type(settings.gate).model_fields, 1000.0)
        own = settings.target.model_copy(update={"precision": precision})  # type: ignore[attr-defined]
        profile = ExportProfile.model_validate(
            {**settings.model_dump(), "gate": loose, "target": own.model_dump()}
        )
        out = tmp_path / precision.name
        made = export_network(network, card_of(network), profile, out=out, name="mixed", sizes=[(24, 24)])
        assert made.main.precision == precision.name
        errors.append(made.main.parity.p99_abs_error)
    assert errors[1] < errors[0]


@pytest.mark.parametrize("target", [LiteRT, ONNX])
def test_one_scale_per_tensor_for_processors_that_refuse_one_per_channel(
    target, network, calibration
) -> None:
    plan = QuantizationPlan(default=LayerFormat(weights="int8", activations="int8", granularity="tensor"))
    size = (12, 10) if target is LiteRT else None
    data = convert(target(precision=plan), network, size, "float", calibration).data
    if target is LiteRT:
        graph = Graph(data)
        scales = [
            len(graph.tensor(int(op.inputs[1])).quantization.scale)
            for op in graph.operators
            if graph.kind(op) == "CONV_2D"
        ]
    else:
        model = onnx.load_from_string(data)
        kernels = {node.input[1] for node in model.graph.node if node.op_type == "Conv"}
        dequantised = {
            node.output[0]: node.input[1] for node in model.graph.node if node.op_type == "DequantizeLinear"
        }
        sizes = {entry.name: int(np.prod(entry.dims)) for entry in model.graph.initializer}
        scales = [sizes[dequantised[name]] for name in kernels]
    assert set(scales) == {1}


@pytest.mark.parametrize("target", [LiteRT, ONNX])
@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (
            QuantizationPlan(default=INT8, layers={"nose": LayerFormat()}),
            r"no layer `nose` .*convolutions are body.0",
        ),
        (
            QuantizationPlan(default=INT8, layers={"body.0": LayerFormat(weights="float16")}),
            r"in float32( or int16)? only, not as weights in float16",
        ),
        (QuantizationPlan(layers={"body.0": INT8}), "let its `default` be one with int8 weights"),
        (
            QuantizationPlan(default=LayerFormat(weights="int8")),
            "weights in int8 with activations in float32",
        ),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(target, plan, words, network, calibration) -> None:
    size = (12, 10) if target is LiteRT else None
    settings = {"merge_residual": False} if target is LiteRT else {}
    with pytest.raises(ExportError, match=words) as caught:
        convert(target(precision=plan, **settings), network, size, "float", calibration)
    assert "\n" not in str(caught.value)


def test_onnx_gives_its_output_in_integers(network, calibration) -> None:
    plan = QuantizationPlan(default=INT8, layers={"tail": LayerFormat()})
    with pytest.raises(ExportError, match=r"the layer `tail` makes the output"):
        convert(ONNX(precision=plan), network, None, "float", calibration)
