"""`edgeir inspect`: what files say of themselves, against what the networks in them are.

`test_contract.py` compares the figures of every network in every format.
"""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, save
from safetensors.torch import save_file

from edgeir.cli.app import main
from edgeir.core.assets import find_zoo
from edgeir.core.errors import ArtifactError, CheckpointError
from edgeir.exporting.inspect.graph import GraphDescription, OperatorEntry, TensorEntry, Window
from edgeir.exporting.inspect.measure import activations, receptive_field
from edgeir.exporting.inspect.run import inspect
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.models import PlainSRConfig

from .conftest import card_of


def chain(*operators: tuple[str, object], side: int = 16) -> GraphDescription:
    """One operator after the other on one channel of float32; a window's stride and enlargement change the size."""
    tensors = {"t0": TensorEntry("t0", (1, side, side, 1), "float32")}
    entries = []
    for at, (kind, reach) in enumerate(operators):
        if isinstance(reach, Window):
            side = side * reach.enlarge // reach.stride
        tensors[f"t{at + 1}"] = TensorEntry(f"t{at + 1}", (1, side, side, 1), "float32")
        entries.append(OperatorEntry(kind, (f"t{at}",), (f"t{at + 1}",), reach))
    return GraphDescription("test", ("t0",), (f"t{len(operators)}",), tuple(entries), tensors)


@pytest.mark.parametrize(
    ("windows", "radius"),
    [
        ([Window((3, 3)), Window((5, 5))], 3),
        ([Window((5, 5)), Window(enlarge=4)], 2),
        ([Window(enlarge=2), Window((3, 3))], 1),  # half a pixel of the input, rounded up
        # An output pixel lies in a block of 2, and its window of 3 blocks reaches 3 pixels beyond it at most.
        ([Window((2, 2), stride=2), Window((3, 3)), Window(enlarge=2)], 4),
    ],
)
def test_receptive_field(windows, radius) -> None:
    found = receptive_field(chain(*(("CONV", window) for window in windows)))
    assert found.radius == radius


@pytest.mark.parametrize(
    ("reach", "words"), [("global", "reads the whole image"), ("unknown", "may read any")]
)
def test_an_operator_without_a_window_is_named(reach, words) -> None:
    found = receptive_field(chain(("CONV", Window((3, 3))), ("MEAN", reach)))
    assert found.radius is None
    assert f"operator 1, MEAN, {words}" in (found.reason or "")


def test_pixels_that_are_put_elsewhere_have_no_bound(tmp_path) -> None:
    """A roll, as window attention makes it: two slices, joined the other way round."""
    for axis, radius in ((1, 0), (2, None)):
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 8, 8]) for name in "xy"]
        nodes = [
            helper.make_node("Split", ["x"], ["a", "b"], axis=axis),
            helper.make_node("Concat", ["b", "a"], ["y"], axis=axis),
        ]
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:])
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)]), tmp_path / "m.onnx")
        (report,) = inspect(tmp_path / "m.onnx").files
        assert report.receptive_field.radius == radius


def test_memory_is_that_of_the_worst_moment() -> None:
    graph = chain(("A", "pixel"), ("B", Window(enlarge=2)), ("C", Window((2, 2), stride=2)))
    worst = activations(graph)
    assert worst is not None
    assert (worst.bytes, worst.kind) == (16 * 16 * 4 + 32 * 32 * 4, "B")


def test_a_measured_artifact(tiny, tmp_path) -> None:
    export_network(
        tiny, card_of(tiny), read_profile("tflite-fp32"), out=tmp_path / "a", name="x", sizes=[(16, 24)]
    )
    (report,) = inspect(tmp_path / "a").files
    assert report.macs == tiny.macs(16, 24)
    assert report.receptive_field.radius == tiny.facts.receptive_radius
    assert report.described is not None
    assert report.inputs[0].shape == (1, 16, 24, 3)
    alone = tmp_path / "alone.tflite"
    alone.write_bytes(report.path.read_bytes())
    (bare,) = inspect(alone).files
    assert (bare.macs, bare.parameters, bare.described) == (report.macs, report.parameters, None)
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(alone.read_bytes()[:3000])
    with pytest.raises(ArtifactError, match="damaged"):
        inspect(damaged)


def test_a_file_of_another_origin_with_an_open_size(tmp_path) -> None:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, "h", "w"]) for name in "xy"]
    weight = helper.make_tensor("w", TensorProto.FLOAT, (3, 1, 3, 3), np.zeros(27, np.float32))
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=3, pads=[1, 1, 1, 1])
    save(helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:], [weight])), tmp_path / "m.onnx")
    (report,) = inspect(tmp_path / "m.onnx").files
    assert (report.macs, report.activations) == (None, None)
    (report,) = inspect(tmp_path / "m.onnx", size=(10, 20)).files
    assert report.macs == 10 * 20 * 3 * 9
    assert report.parameters == 27


def test_files_of_weights(tmp_path) -> None:
    tensors = {"a.weight": torch.zeros(4, 3), "b": torch.zeros(2, dtype=torch.float16)}
    save_file(tensors, tmp_path / "w.safetensors")
    torch.save({"params": tensors, "epoch": 3}, tmp_path / "w.pth")
    np.savez(tmp_path / "w.npz", **{name: value.numpy() for name, value in tensors.items()})
    for name, prefix in (("w.safetensors", ""), ("w.pth", "params."), ("w.npz", "")):
        found = {entry.name: (entry.shape, entry.dtype) for entry in inspect(tmp_path / name).weights}
        assert found == {f"{prefix}a.weight": ((4, 3), "float32"), f"{prefix}b": ((2,), "float16")}


class Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('a pickle ran code')",))


def test_a_pickle_that_would_run_code_is_refused(tmp_path) -> None:
    torch.save({"w": Runs()}, tmp_path / "evil.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Runs(), protocol=2))
    for name in ("evil.pth", "plain.pth"):
        with pytest.raises(CheckpointError, match=r"would call `.*exec`, so it is not read"):
            inspect(tmp_path / name)
    (tmp_path / "newer.pth").write_bytes(pickle.dumps(Runs(), protocol=5))
    with pytest.raises(CheckpointError, match="no file of PyTorch"):
        inspect(tmp_path / "newer.pth")


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pth", ".onnx", ".ort", ".tflite"])
def test_bytes_that_are_nothing(suffix, tmp_path, capsys) -> None:
    (tmp_path / f"x{suffix}").write_bytes(b"this is nothing at all, and long enough to be read")
    assert main(["inspect", str(tmp_path / f"x{suffix}")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_a_reader_of_bytes_refuses_is_named(tmp_path) -> None:
    (tmp_path / "odd.tflite").write_bytes(b"nothing of the kind")
    with pytest.raises(ArtifactError, match="no LiteRT flatbuffer") as caught:
        inspect(tmp_path / "odd.tflite")
    assert caught.value.where == str(tmp_path / "odd.tflite")


def test_the_command(capsys) -> None:
    assert main(["inspect", "sr-x4-xs", "--operators"]) == 0
    assert "17,696" in capsys.readouterr().out
    file = find_zoo("sr-x4-xs") / "litert" / "model.tflite"
    assert main(["inspect", str(file), "--operators"]) == 0
    text = capsys.readouterr().out
    assert "DEPTH_TO_SPACE  x4   depth_to_space_12 1x768x768x3 int8" in text
    assert "at most 8 pixels" in text
    assert main(["inspect", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["parameters"] == 17696


def test_a_checkpoint_says_what_its_card_says(tmp_path) -> None:
    from edgeir.checkpoint.save import save_checkpoint

    network = PlainSRConfig(channels=8, blocks=1).build()
    save_checkpoint(tmp_path / "c", network, network.state_dict(), name="c", metrics={}, provenance={})
    found = inspect(tmp_path / "c")
    assert found.card is not None
    assert sum(entry.count or 0 for entry in found.weights) >= found.card.parameters


def test_products_of_an_integer_graph() -> None:
    from edgeir.checkpoint.load import load_checkpoint

    (report,) = inspect(find_zoo("sr-x4-xs") / "litert").files
    height, width = (report.inputs[0].shape or ())[1:3]
    assert report.macs == load_checkpoint("sr-x4-xs")[0].macs(height or 0, width or 0)
