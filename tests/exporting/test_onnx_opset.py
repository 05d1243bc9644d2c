"""The oldest operator set and IR that a graph can have: what the schemas say, and that the same bits come out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeir.core.errors import ConfigError, ExportError
from edgeir.exporting.profile import changed, read_profile
from edgeir.exporting.run import export_network
from edgeir.exporting.targets.onnx.opset import at_opset
from edgeir.exporting.targets.onnx.passes.lower_opset import CannotLowerError, lowered, opset_of
from edgeir.exporting.targets.onnx.releases import (
    BUILT_WITH,
    MEASURED_NETWORKS,
    OLDEST_MEASURED,
    OLDEST_MEASURED_ORT,
    needs_of,
    oldest_release,
)
from edgeir.exporting.targets.onnx.target import ONNX
from edgeir.models import DANetConfig, PPCNSRConfig

from .conftest import card_of, convert
from .test_onnx import run

MEASURED = json.loads(
    (Path(__file__).parents[2] / "benchmarks" / "results" / "old-onnx.json").read_text(encoding="utf-8")
)


def stamp(data: bytes) -> tuple[int, int]:
    model = onnx.load_from_string(data)
    return opset_of(model), model.ir_version


def graph(
    nodes: Sequence[onnx.NodeProto],
    opset: int,
    *,
    constants: dict[str, Any] | None = None,
    shape: Sequence[Any] = (1, 3, "h", "w"),
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A graph of these nodes from ``image`` to ``restored``."""
    ends = [
        helper.make_tensor_value_info("image", kind, shape),
        helper.make_tensor_value_info("restored", kind, [None] * len(shape)),
    ]
    kept = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    made = helper.make_graph(nodes, "g", ends[:1], ends[1:], kept)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


@pytest.mark.parametrize(
    ("profile", "io", "opset", "ir"),
    [
        ("onnx-fp32", "float", 11, 6),
        ("onnx-fp32", "uint8", 11, 6),
        ("onnx-fp16", "float", 12, 7),
        ("onnx-int8", "float", 13, 7),
        ("onnx-int8", "uint8", 13, 7),
    ],
)
def test_a_plain_network_asks_for_little(profile, io, opset, ir, converted) -> None:
    assert stamp(converted(profile, io, None).data) == (opset, ir)


@pytest.mark.parametrize("profile", ["onnx-fp32", "onnx-int8"])
def test_the_bits_are_those_of_the_graph_as_it_was_made(profile, tiny, calibration, converted) -> None:
    made_in = read_profile(profile).target.model_copy(update={"opset": 20})  # type: ignore[attr-defined]
    image = np.random.default_rng(4).random((1, 3, 21, 34), dtype=np.float32)
    newer = convert(made_in, tiny, None, "float", calibration).data
    assert stamp(newer) == (20, 9)
    np.testing.assert_array_equal(run(newer, image), run(converted(profile, "float", None).data, image))


@pytest.mark.parametrize("asked", [7, 9, 13, 17, 21])
def test_an_operator_set_can_be_asked_for(asked, calibration) -> None:
    """This network shuffles nothing, and its Clip has attributes in the oldest sets."""
    from edgeir.models import DnCNNConfig

    from .conftest import busy

    network = busy(DnCNNConfig(depth=3, width=4).build())
    made = convert(ONNX(opset=asked), network, None, "float", calibration)
    assert stamp(made.data)[0] == asked
    assert made.needs is not None
    assert made.needs.stamp.startswith(f"opset {asked}, IR ")


def test_one_that_is_too_old_is_refused_with_the_operator(tiny, calibration) -> None:
    words = (
        r"opset 12 is too old for this network: the operator (De)?QuantizeLinear|DequantizeLinear in opset 12 "
        r"does not know its attribute `axis`"
    )
    with pytest.raises(ExportError, match=words) as caught:
        convert(ONNX(precision="int8", opset=12), tiny, None, "float", calibration)
    assert "--opset 13 or newer" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_reductions_get_their_axes_as_attributes(calibration) -> None:
    """`ReduceMean` takes them as an input from opset 18 on."""
    network = PPCNSRConfig().build().eval()
    made = onnx.load_from_string(convert(ONNX(), network, None, "float", calibration).data)
    means = [node for node in made.graph.node if node.op_type == "ReduceMean"]
    assert opset_of(made) == 11
    assert means
    for node in means:
        assert len(node.input) == 1
        assert {attribute.name for attribute in node.attribute} >= {"axes", "keepdims"}


@pytest.mark.slow
def test_sampling_needs_what_first_had_it(calibration) -> None:
    config = DANetConfig(widths=(16,), bottom_blocks=1)
    made = onnx.load_from_string(convert(ONNX(), config.build().eval(), None, "float", calibration).data)
    modes = {
        a.s for n in made.graph.node if n.op_type == "GridSample" for a in n.attribute if a.name == "mode"
    }
    assert opset_of(made) == 16
    assert modes == {b"bilinear"}, "called `linear` from opset 20 on"


def test_onnxs_own_converter_agrees() -> None:
    """It knows the operators one by one."""
    axes = {"axes": np.array([2, 3], np.int64)}
    model = graph([helper.make_node("ReduceMean", ["image", "axes"], ["restored"])], 20, constants=axes)
    theirs = onnx.version_converter.convert_version(model, 13).graph.node[0]
    ours = lowered(model, 13).graph.node[0]
    assert sorted(ours.input) == sorted(theirs.input) == ["image"]
    wanted = {a.name: helper.get_attribute_value(a) for a in theirs.attribute}
    got = {a.name: helper.get_attribute_value(a) for a in ours.attribute}
    assert got["axes"] == list(wanted["axes"]) == [2, 3]


def test_a_change_of_meaning_under_the_same_signature_is_found_by_running() -> None:
    """Softmax took all axes from `axis` on as one until opset 13."""
    model = graph([helper.make_node("Softmax", ["image"], ["restored"], axis=1)], 20)
    assert opset_of(lowered(model, 11)) == 11, "the schemas do not say it"
    assert opset_of(at_opset(model, None, 1)) == 13


@pytest.mark.parametrize(
    ("node", "constants", "version", "words"),
    [
        (("Clip", ["image", "image"]), {}, 10, "wants a constant `min`"),
        (("Mish", ["image"]), {}, 17, "opset 17 has no operator Mish"),
        (("DepthToSpace", ["image"], {"blocksize": 1, "mode": "CRD"}), {}, 10, "attribute `mode`"),
    ],
)
def test_what_an_older_set_lacks_is_named(node, constants, version, words) -> None:
    kind, inputs, *attributes = node
    model = graph(
        [helper.make_node(kind, inputs, ["restored"], **(attributes[0] if attributes else {}))],
        20,
        constants=constants,
    )
    with pytest.raises(CannotLowerError, match=words):
        lowered(model, version)


def test_types_that_an_older_set_does_not_take_are_named() -> None:
    model = graph([helper.make_node("Relu", ["image"], ["restored"])], 20, kind=TensorProto.INT8)
    with pytest.raises(CannotLowerError, match=r"Relu in opset 13 takes no tensor.int8. as `X`"):
        lowered(model, 13)


def test_constants_become_attributes_and_are_dropped() -> None:
    ends = {"low": np.float32(0.25), "high": np.float32(0.75)}
    model = graph([helper.make_node("Clip", ["image", "low", "high"], ["restored"])], 20, constants=ends)
    old = at_opset(model, 7, 1)
    assert (opset_of(old), old.ir_version, len(old.graph.initializer)) == (7, 4, 0)
    image = np.linspace(0, 1, 48, dtype=np.float32).reshape(1, 3, 4, 4)
    session = onnxruntime.InferenceSession(old.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, {"image": image})[0], image.clip(0.25, 0.75))


def test_a_graph_that_does_not_run_is_no_reason_for_another_set() -> None:
    shape = {"shape": np.array([7, 7], np.int64)}
    model = graph([helper.make_node("Reshape", ["image", "shape"], ["restored"])], 20, constants=shape)
    with pytest.raises(ExportError, match="ONNX Runtime cannot run the graph"):
        at_opset(model, None, 1)


def newer(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@pytest.mark.parametrize(("release", "reads"), MEASURED["reads"].items())
def test_the_table_of_releases_is_what_each_release_reads(release, reads) -> None:
    opset, ir = reads["opset"], reads["ir"]
    for said in (oldest_release(opset, 4), oldest_release(7, ir)):
        assert said is not None
        assert newer(said) <= newer(release)
    for said in (oldest_release(opset + 1, 4), oldest_release(7, ir + 1)):
        assert said is None or newer(said) > newer(release)


def test_the_table_is_in_order() -> None:
    assert [*BUILT_WITH] == sorted(BUILT_WITH, key=newer)
    assert oldest_release(99, 4) is None


def test_the_oldest_measured_releases_are_those_of_the_published_check() -> None:
    """PPDN alone has operators of set 19."""
    found = MEASURED["oldest_right"]["onnxruntime"]
    assert {name.removesuffix("-gray") for name in found["fp32"]} == MEASURED_NETWORKS
    for precision in ("fp32", "fp16", "int8", "int8-bytes"):
        for network, oldest in found[precision].items():
            opset = 19 if network == "ppdn" and precision != "fp16" else 16
            assert oldest == f"onnxruntime=={OLDEST_MEASURED[opset]}", (precision, network)
    for precision, expected in (("ort-fp32", "float"), ("ort-int8", "int8")):
        versions = [name.partition("==")[2] for name in found[precision].values()]
        assert max(versions, key=newer) == OLDEST_MEASURED_ORT[expected], precision


def test_needs_of_a_new_stamp() -> None:
    model = graph([helper.make_node("Relu", ["image"], ["restored"])], 23)
    model.ir_version = 11
    needs = needs_of(model, "plainsr")
    assert (needs.stamp, needs.stated, needs.measured) == ("opset 23, IR 11", "1.23", None)


def test_a_setting_of_the_profile_is_changed_and_the_manifest_says_so(tiny, tmp_path) -> None:
    profile = changed(read_profile("onnx-fp32"), ["target.opset=13"])
    artifact = export_network(
        tiny, card_of(tiny), profile, out=tmp_path / "out", name="onnx-fp32", sizes=[(24, 24)]
    )
    needs = artifact.main.needs
    assert needs is not None
    assert (needs.stamp, needs.stated, needs.measured) == ("opset 13, IR 7", "1.6", OLDEST_MEASURED[16])
    with pytest.raises(ConfigError, match="target.onnx.opset|opset"):
        changed(read_profile("onnx-fp32"), ["target.opset=99"])
