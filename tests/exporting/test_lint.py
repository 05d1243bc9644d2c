"""`edgeir lint`: rules that are data, judged on real files of every format, and against the runtime's own word."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from onnx import TensorProto, helper, save

from edgeir.cli.app import main
from edgeir.core.assets import asset_root, find_zoo
from edgeir.core.errors import ArtifactError, ConfigError
from edgeir.exporting.inspect.graph import (
    GraphDescription,
    OperatorEntry,
    Quantisation,
    TensorEntry,
    Window,
)
from edgeir.exporting.inspect.run import described_graph
from edgeir.exporting.lint.condition import Condition
from edgeir.exporting.lint.hold import TESTS, holds
from edgeir.exporting.lint.judge import judged, pieces
from edgeir.exporting.lint.rules import Delegate, read_delegate, shipped_delegates
from edgeir.exporting.lint.run import lint
from edgeir.exporting.lint.surroundings import Surroundings
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.runtime import catalog

from .conftest import Made, card_of

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import lint_ask

ZOO = find_zoo("sr-x4-xs") / "litert"
WANTED = {
    "coreml-ane", "litert-gpu", "mediatek", "ncnn-vulkan", "nnapi", "ort-coreml", "ort-nnapi", "ort-qnn",
    "ort-xnnpack", "qualcomm", "xnnpack", "xnnpack-old",
}  # fmt: skip
OWN = """\
name: mine
title: A delegate of ours
formats: [onnx, tflite]
version: "1"
checked: 2026-01-01
source: a test
evidence: measured
fallback: the CPU
takes: [{operators: [Conv, Relu, CONV_2D]}]
rules:
  - name: wide
    operators: [Conv]
    when: {channels_above: 4}
    reason: too wide
    remedy: narrower
"""


# --- rules


def test_every_delegate_of_the_issue_has_rules_that_validate() -> None:
    assert set(shipped_delegates()) == WANTED
    for name in shipped_delegates():
        delegate = read_delegate(name)
        assert delegate.name == name
        assert delegate.checked.year >= 2026
        kinds = {kind for taken in delegate.takes for kind in taken.operators}
        for rule in delegate.rules:
            assert rule.verdict == "refused" or rule.operators is None or set(rule.operators) & kinds, (
                f"{name}: `{rule.name}` warns of operators that are refused anyway"
            )


def test_every_format_that_edgeir_writes_has_a_delegate() -> None:
    judged_formats = {form for name in shipped_delegates() for form in read_delegate(name).formats}
    assert judged_formats == {entry.name for entry in catalog.written_targets()}


def test_every_key_of_a_condition_has_a_test() -> None:
    assert set(TESTS) == set(Condition.model_fields)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"formats": ["tflight"]}, "names `tflight`, which is none of tflite"),
        ({"takes": []}, "takes"),
        ({"rules": [{"name": "a", "reason": "r", "remedy": "m"}]}, "hold for everything"),
        (
            {"rules": [{"name": "a", "when": {"dtyp": ["int8"]}, "reason": "r", "remedy": "m"}]},
            "did you mean `",
        ),
        ({"rules": [{"name": "a", "when": {"dtype": ["byte"]}, "reason": "r", "remedy": "m"}]}, "dtype"),
        ({"rules": [{"name": "a", "when": {}, "reason": "r", "remedy": "m"}]}, "is empty"),
        (
            {"rules": [{"name": "a", "operators": ["X"], "reason": "r", "remedy": "m"}] * 2},
            "have the name `a`",
        ),
        ({"version": None}, "version"),
        ({"checked": "yesterday"}, "checked"),
    ],
)
def test_a_mistake_in_a_rules_file_is_one_line(change, words, tmp_path, capsys) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(OWN), **change}))
    assert main(["lint", str(ZOO), "--rules", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(path) in error
    assert words in error


# --- conditions


def graph_of(*operators: OperatorEntry, tensors: dict[str, TensorEntry]) -> GraphDescription:
    return GraphDescription("test", ("x",), (operators[-1].outputs[0],), operators, tensors)


def tensor(name: str, shape: Any = (1, 8, 8, 4), dtype: str = "float32", scale: Any = None) -> TensorEntry:
    quantised = None if scale is None else Quantisation("tensor", (scale,))
    return TensorEntry(name, shape, dtype, quantised=quantised)


def two_maps(**changes: Any) -> tuple[OperatorEntry, Surroundings]:
    """``y = OP(x, z)`` in int8; `x` has another reader, and is the file's input."""
    tensors = {
        "x": tensor("x", dtype="int8", scale=changes.pop("scale", 0.5)),
        "z": tensor("z", changes.pop("other", (1, 8, 8, 4)), "int8", 0.5),
        "y": tensor("y", dtype="int8", scale=0.25),
        "u": tensor("u", dtype="int8", scale=0.25),
    }
    entry = OperatorEntry("OP", ("x", "z"), ("y",), "pixel", **changes)
    graph = graph_of(
        OperatorEntry("MAKES", ("x",), ("z",), "pixel"), OperatorEntry("READS", ("x",), ("u",)), entry,
        tensors=tensors,
    )  # fmt: skip
    return entry, Surroundings(graph)


@pytest.mark.parametrize(
    ("condition", "changes", "expected"),
    [
        ({"dtype": ["int8"]}, {}, True),
        ({"dtype": ["uint8"]}, {}, False),
        ({"rank_above": 3}, {}, True),
        ({"rank_above": 4}, {}, False),
        ({"rank_below": 5}, {}, True),
        ({"readers_above": 2}, {}, True),
        ({"readers_above": 3}, {}, False),
        ({"inputs_above": 1}, {}, True),
        ({"broadcast": True}, {}, False),
        ({"broadcast": True}, {"other": (1, 1, 1, 4)}, True),
        ({"broadcast": True}, {"other": None}, False),
        ({"broadcast": False}, {"other": None}, False),
        ({"open_size": True}, {"other": (1, None, 8, 4)}, False),
        ({"open_size": False}, {}, True),
        ({"scale_ratio_above": 1.5}, {}, True),
        ({"scale_ratio_above": 2}, {}, False),
        ({"scale_ratio_below": 0.01}, {"scale": 0.001}, True),
        ({"scale_product_above": 0.9}, {}, True),
        ({"scale_product_above": 1.1}, {}, False),
        ({"scales_differ": True}, {}, True),
        ({"made_by": ["MAKES"]}, {}, True),
        ({"made_by": ["input"]}, {}, True),
        ({"read_by": ["output"]}, {}, True),
        ({"read_by": ["READS"]}, {}, False),
        ({"attributes": {"axis": [3]}}, {"attributes": {"axis": 3}}, True),
        ({"attributes": {"axis": [3]}}, {}, False),
        ({"attributes_not": {"axes": [[1, 2]]}}, {"attributes": {"axes": (1, 2)}}, False),
        ({"attributes_not": {"axes": [[1, 2]]}}, {"attributes": {"axes": (1,)}}, True),
        ({"attributes_not": {"axes": [[1, 2]]}}, {}, False),
        ({"kernel_above": 5}, {"attributes": {"kernel": (1, 7)}}, True),
        ({"depthwise": True}, {"attributes": {"groups": 4, "channels": 4}}, True),
        ({"depthwise": True}, {"attributes": {"groups": 1, "channels": 1}}, False),
        ({"channels_not": [16, 32]}, {"attributes": {"channels": 24}}, True),
        ({"channels_not": [16, 32]}, {}, False),
        ({"whole_image": False}, {}, True),
        ({"repeated_input": True}, {}, False),
        ({"constant_input": True}, {}, False),
        ({"values_above": 255}, {}, True),
        ({"values_above": 256}, {}, False),
        ({"side_above": 7}, {}, True),
        ({"dtype": ["int8"], "rank_above": 4}, {}, False),
    ],
)
def test_a_condition(condition, changes, expected) -> None:
    operator, around = two_maps(**changes)
    assert holds(Condition(**condition), operator, around) is expected


def test_weights_that_are_unpacked_count_as_what_the_file_holds() -> None:
    """Half weights go through DEQUANTIZE, which no delegate computes at run time."""
    half = TensorEntry("half", (8, 3, 3, 4), "float16", constant=True)
    tensors = {"x": tensor("x"), "half": half, "w": tensor("w", (8, 3, 3, 4)), "y": tensor("y")}
    convolution = OperatorEntry("CONV_2D", ("x", "w"), ("y",), Window((3, 3)), "w", 36)
    graph = graph_of(OperatorEntry("DEQUANTIZE", ("half",), ("w",)), convolution, tensors=tensors)
    around = Surroundings(graph)
    assert holds(Condition(weights_dtype=("float16",)), convolution, around)
    assert holds(Condition(weights_computed=True), convolution, around)
    assert judged(read_delegate("xnnpack"), graph).counted == (1,)


def test_pieces_are_counted_as_the_runtime_cuts_them() -> None:
    """Two branches: what the delegate can do of both goes into one piece."""
    names = "xabcdy"
    tensors = {name: tensor(name) for name in names}
    graph = graph_of(
        OperatorEntry("D", ("x",), ("a",)),
        OperatorEntry("C", ("a",), ("b",)),
        OperatorEntry("D", ("x",), ("c",)),
        OperatorEntry("D", ("c",), ("d",)),
        OperatorEntry("D", ("b", "d"), ("y",)),
        tensors=tensors,
    )
    assert pieces(graph, range(5), [0, 2, 3, 4]) == 2
    assert pieces(graph, range(5), range(5)) == 1
    assert pieces(graph, range(5), []) == 0


# --- files


@pytest.mark.parametrize(
    ("profile", "io", "refused"),
    [
        ("tflite-fp32", "float", []),
        ("tflite-fp16", "float", []),
        ("tflite-int8", "float", []),
        ("tflite-int8", "uint8", ["QUANTIZE", "QUANTIZE"]),
        ("tflite-int8", "int8", []),
    ],
)
def test_xnnpack_takes_what_the_rules_say(
    profile: str, io: str, refused: list[str], converted: Callable[..., Made], tmp_path: Path
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(converted(profile, io).data)
    graph = described_graph(path, catalog.target_entry("tflite"), None)
    found = judged(read_delegate("xnnpack"), graph)
    assert [finding.kind for finding in found.refused] == refused
    asked = lint_ask.xnnpack(str(path))["taken"]  # the interpreter's own list after delegation
    assert set(found.taken) == set(asked) & set(found.counted)


def test_ncnn_s_layers_say_the_same_of_vulkan() -> None:
    ncnn = pytest.importorskip("ncnn")
    delegate = read_delegate("ncnn-vulkan")
    taken = {kind for each in delegate.takes for kind in each.operators}
    for kind in taken | {kind for rule in delegate.rules for kind in rule.operators or ()} - {"MemoryData"}:
        layer = ncnn.create_layer(kind)
        assert layer is not None, kind
        assert layer.support_vulkan is (kind in taken), kind


def test_onnxruntime_s_own_lists_are_those_of_the_rules() -> None:
    import re

    import onnxruntime

    folder = Path(onnxruntime.__file__).parent / "tools" / "mobile_helpers"
    for name, listed in (("nnapi", "nnapi_supported_ops"), ("coreml", "coreml_supported_mlprogram_ops")):
        text = (folder / f"{listed}.md").read_text()
        kinds = set(re.findall(r"^\|(?:ai\.onnx|com\.microsoft)[:.](\w+)", text, re.MULTILINE))
        taken = {kind for each in read_delegate(f"ort-{name}").takes for kind in each.operators}
        assert taken == kinds, name


def onnx_file(path: Path, *, channels: int = 4, shuffle: str = "CRD", side: Any = 8) -> Path:
    """A convolution of the image, GELU, and a pixel shuffle."""
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, side, side])
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    weights = np.random.default_rng(0).standard_normal((channels, 4, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="/body/body.0/Conv", pads=[1, 1, 1, 1]),
        helper.make_node("Erf", ["a"], ["b"], name="/body/act/Erf"),
        helper.make_node("DepthToSpace", ["b"], ["y"], name="/tail/shuffle", blocksize=2, mode=shuffle),
    ]
    constant = helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights)
    graph = helper.make_graph(nodes, "g", [image], [output], [constant])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def test_another_author_s_file_names_its_modules(tmp_path) -> None:
    (file,) = lint(onnx_file(tmp_path / "m.onnx"), delegates=["ort-nnapi"]).files
    (report,) = file.delegates
    assert (report.taken, report.operators, report.macs) == (1, 3, 1.0)
    problems = {kind: problem for problem in report.refused for kind in problem.kinds}
    assert problems["Erf"].reason == "its list has no Erf"
    assert problems["DepthToSpace"].rule == "pixel-shuffle-order"
    assert problems["DepthToSpace"].places[0].origin == "tail/shuffle"
    (dcr,) = lint(onnx_file(tmp_path / "n.onnx", shuffle="DCR"), delegates=["ort-nnapi"]).files
    assert dcr.delegates[0].taken == 2


def test_open_sizes_are_refused_and_closed_by_size(tmp_path) -> None:
    path = onnx_file(tmp_path / "m.onnx", shuffle="DCR", side="s")
    (file,) = lint(path, delegates=["ort-nnapi"]).files
    assert (file.delegates[0].taken, file.macs) == (0, None)
    (file,) = lint(path, delegates=["ort-nnapi"], size=(8, 8)).files
    assert file.delegates[0].taken == 2


def test_rules_of_one_s_own_stand_alone_or_beside_others(tmp_path) -> None:
    rules = tmp_path / "mine.yaml"
    rules.write_text(OWN)
    path = onnx_file(tmp_path / "m.onnx", channels=8)
    (file,) = lint(path, rules=[rules]).files
    (report,) = file.delegates
    assert {(*problem.kinds, problem.rule) for problem in report.refused} == {
        ("Conv", "wide"), ("Erf", None), ("DepthToSpace", None),
    }  # fmt: skip
    (file,) = lint(path, rules=[rules], delegates=["mine", "ort-coreml"]).files
    assert [report.delegate for report in file.delegates] == ["mine", "ort-coreml"]


@pytest.mark.parametrize("profile", ["tflite-int8", "onnx-fp32", "coreml-fp16", "ncnn-fp16"])
def test_layers_are_found_by_their_weights(profile, tiny, tmp_path) -> None:
    """In every format and precision, whatever the converter made of names, order and numbers."""
    from edgeir.exporting.lint.origins import Origins, layers_of

    pytest.importorskip({"coreml": "coremltools", "ncnn": "ncnn"}.get(profile.split("-")[0], "torch"))
    export_network(tiny, card_of(tiny), read_profile(profile), out=tmp_path / "a", name="x", sizes=[(16, 24)])
    (path,) = (tmp_path / "a").glob("model.*")
    entry = catalog.target_of_file(path)
    assert entry is not None
    graph = described_graph(path, entry, None)
    origins = Origins(graph, layers_of(tiny))
    convolutions = [operator for operator in graph.operators if operator.products]
    found = [origins.of(operator) for operator in convolutions]
    names = {name for name, module in tiny.deploy().named_modules() if isinstance(module, torch.nn.Conv2d)}
    assert set(found) == names
    last = graph.operators[-1]
    assert (origins.of(last) or "").removeprefix("after ") in names


THEIRS = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Conv2d(3, 16, 3, padding=1)
        self.tail = nn.Conv2d(16, 12, 3, padding=1)

    def forward(self, x):
        features = torch.nn.functional.gelu(self.head(x))
        return torch.pixel_shuffle(self.tail(features), 2)
"""


def test_another_author_s_network_names_its_line(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "their_net.py").write_text(THEIRS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    weights = {"head": torch.randn(16, 3, 3, 3) / 5, "tail": torch.randn(12, 16, 3, 3) / 12}
    state = {f"{name}.weight": value for name, value in weights.items()}
    torch.save(state | {f"{name}.bias": torch.zeros(len(weights[name])) for name in weights}, "net.pth")
    words = ["--weights", "net.pth", "--target", "onnx", "--size", "16x16", "--trust-code"]
    assert main(["export", "their_net:Net", *words, "--out", "out", "--quiet"]) == 0
    capsys.readouterr()
    lint_words = ["lint", "out", "-d", "ort-coreml", "-d", "ort-nnapi", "--json"]
    (adopted,) = {path.parent for path in (tmp_path / "cache").rglob("card.json")}
    assert main([*lint_words, "--checkpoint", str(adopted), "--trust-code"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    nnapi = next(report for report in file["delegates"] if report["delegate"] == "ort-nnapi")
    origins = {kind: each["places"][0]["origin"] for each in nnapi["refused"] for kind in each["kinds"]}
    (kind,) = {"Gelu", "Erf"} & set(origins)
    assert "head" in origins[kind]
    assert "their_net.py:12: features = torch.nn.functional.gelu" in origins[kind]


# --- the command


def test_the_command_on_an_artifact(capsys) -> None:
    assert main(["lint", str(ZOO), "-d", "xnnpack", "-d", "xnnpack-old", "--strict"]) == 0
    text = capsys.readouterr().out
    assert "xnnpack      14 of 14  100%         1 " in text
    assert main(["lint", str(ZOO), "-d", "mediatek", "--strict"]) == 1
    text = capsys.readouterr().out
    assert "DEPTH_TO_SPACE: the plug-in's list has no pixel shuffle" in text
    assert "after mix" in text
    assert "reported by https://github.com/google-ai-edge/LiteRT/issues/7603" in text
    assert main(["lint", str(ZOO), "-d", "mediatek", "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    (report,) = file["delegates"]
    assert report["operators"] == 14
    assert report["taken"] == 14 - sum(len(problem["places"]) for problem in report["refused"])
    assert report["checked"] == "2026-11-26"


def test_a_bundle_as_a_zip_and_as_a_folder(zipped: Path, bundle_folder: Path) -> None:
    for place in (zipped, bundle_folder):
        report = lint(place)
        assert {file.target for file in report.files} == {"tflite", "onnx"}
        assert all(f"{place.name}: " in file.path for file in report.files)
        for file in report.files:
            assert {each.delegate for each in file.delegates} == {
                name for name in WANTED if file.target in read_delegate(name).formats
            }
    only = lint(zipped, delegates=["xnnpack"])
    assert {file.target: len(file.delegates) for file in only.files} == {"tflite": 1, "onnx": 0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{zoo}", "--delegate", "xnpack"], "did you mean `xnnpack`"),
        (["{zoo}", "--delegate", "coreml-ane"], "takes coreml, and this is tflite"),
        (["{damaged}"], "damaged"),
        (["{nothing}"], "nothing.tflite"),
        (["sr-x4-xs"], "is a network"),
        (["{zoo}", "--rules", "{nothing}"], "there is no delegate or file"),
        ([], "FILE is missing"),
        (["{text}"], "text.txt"),
    ],
)
def test_bad_input_is_one_line(words, message, tmp_path, capsys) -> None:
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes((ZOO / "model.tflite").read_bytes()[:3000])
    (tmp_path / "text.txt").write_text("no model")
    places = {
        "zoo": ZOO,
        "damaged": damaged,
        "nothing": tmp_path / "nothing.tflite",
        "text": tmp_path / "text.txt",
    }
    assert main(["lint", *(word.format(**places) for word in words)]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


def test_a_file_that_changed_since_its_export_is_refused(tmp_path) -> None:
    shutil.copytree(ZOO, tmp_path / "a")
    with (tmp_path / "a" / "model.tflite").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(ArtifactError, match="changed after it was exported"):
        lint(tmp_path / "a")


def test_the_list_of_delegates(capsys) -> None:
    assert main(["lint", "--list", "--json"]) == 0
    assert {each["name"] for each in json.loads(capsys.readouterr().out)} == WANTED
    assert main(["lint", "--list"]) == 0
    assert "LiteRT 2.3.0, measured 2026-11-26" in capsys.readouterr().out


def test_a_frozen_graph_has_no_delegate(tmp_path) -> None:
    (tmp_path / "m.pb").write_bytes(b"x")
    with pytest.raises(ConfigError, match="every delegate takes .*, and this is pb"):
        lint(tmp_path / "m.pb")


def test_no_rule_of_a_shipped_file_names_an_operator_twice() -> None:
    for path in asset_root("lint").glob("*.yaml"):
        delegate = Delegate.model_validate(yaml.safe_load(path.read_text()))
        for taken in delegate.takes:
            assert len(set(taken.operators)) == len(taken.operators), path.name
