"""Model files of other authors as artifacts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from coremltools.proto import Model_pb2
from onnx import TensorProto, helper, save

from edgeir.core.errors import ArtifactError, ConfigError, OutputError
from edgeir.exporting.calibration import CalibrationData
from edgeir.exporting.import_file import import_file
from edgeir.exporting.prove.repeat import prove_again
from edgeir.exporting.target import Job
from edgeir.exporting.targets.coreml.target import CoreML
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.target import LiteRT
from edgeir.runtime.loading import load
from edgeir.runtime.mil.package import MODEL_PATH

from .conftest import convert
from .test_contract import image_and_output


def model(path: Path, scale: int = 2, channels: int = 3, dtype: int = TensorProto.FLOAT) -> Path:
    """A 3x3 convolution and a shuffle, NCHW of any size."""
    made = channels * scale**2
    weights = np.random.default_rng(0).random((made, channels, 3, 3), dtype=np.float32) / (9 * channels)
    ends = [
        helper.make_tensor_value_info(name, dtype, [1, channels, f"{name}h", f"{name}w"]) for name in "xy"
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("DepthToSpace", ["c"], ["y"], blocksize=scale, mode="CRD"),
    ]
    constant = helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights)
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [constant])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def test_a_file_is_adopted_with_what_it_says_and_does(tmp_path) -> None:
    artifact = import_file(model(tmp_path / "mine.onnx"), tmp_path / "a")
    assert artifact.source == "mine"
    facts = artifact.facts
    assert (facts.scale, facts.input_kind, facts.receptive_radius, facts.channels) == (2, "lr", 1, 3)
    assert artifact.main.macs == 360 * 640 * 12 * 27
    assert artifact.main.parity.status == "not run"
    session = load(tmp_path / "a")
    assert session.run(np.full((5, 7, 3), 0.5, np.float32)).shape == (10, 14, 3)
    session.close()
    with pytest.raises(ArtifactError, match="no golden arrays"):
        prove_again(tmp_path / "a")
    with pytest.raises(OutputError, match="exists already"):
        import_file(tmp_path / "mine.onnx", tmp_path / "a")
    import_file(tmp_path / "mine.onnx", tmp_path / "a", name="other", receptive_radius=4, overwrite=True)


def test_a_stated_scale_that_the_file_has_not_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="enlarges 2 times, not 4"):
        import_file(model(tmp_path / "m.onnx"), tmp_path / "a", scale=4)
    assert not (tmp_path / "a").exists()


def test_a_network_behind_an_enlargement(tmp_path) -> None:
    artifact = import_file(model(tmp_path / "m.onnx", scale=1), tmp_path / "a", scale=3)
    assert (artifact.facts.scale, artifact.facts.input_kind) == (3, "bicubic")


@pytest.mark.parametrize(
    ("channels", "dtype", "words"),
    [(7, TensorProto.FLOAT, "one float32 image"), (3, TensorProto.FLOAT16, "one float32 image")],
)
def test_other_ends_are_refused(channels, dtype, words, tmp_path) -> None:
    with pytest.raises(ArtifactError, match=words):
        import_file(model(tmp_path / "m.onnx", channels=channels, dtype=dtype), tmp_path / "a")


def test_what_is_no_model_is_refused(tmp_path) -> None:
    (tmp_path / "x.txt").write_text("words")
    (tmp_path / "x.onnx").write_text("words")
    with pytest.raises(ArtifactError, match="no model file that edgeir runs"):
        import_file(tmp_path / "x.txt", tmp_path / "a")
    with pytest.raises(ArtifactError, match="x.onnx"):
        import_file(tmp_path / "x.onnx", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_litert_file_of_one_size(tiny, tmp_path) -> None:
    made = convert(LiteRT(), tiny, (24, 16), "float", np.zeros((0, 1, 1, 3), np.float32))
    (tmp_path / "m.tflite").write_bytes(Graph(made.data).to_bytes())  # edgeir's facts stay behind
    artifact = import_file(tmp_path / "m.tflite", tmp_path / "a")
    assert (artifact.facts.scale, artifact.main.size) == (tiny.facts.scale, (24, 16))
    assert artifact.facts.receptive_radius == tiny.facts.receptive_radius
    assert artifact.main.macs == tiny.macs(24, 16)
    session = load(tmp_path / "a")
    image, expected = image_and_output(tiny, (24, 16))
    np.testing.assert_allclose(
        session.run(image[0].transpose(1, 2, 0)).transpose(2, 0, 1), expected[0], atol=1e-5
    )
    session.close()
    with pytest.raises(ConfigError, match="enlarges 4 times, not 2"):
        import_file(tmp_path / "m.tflite", tmp_path / "b", scale=2)


def test_a_core_ml_package_of_one_size(tiny, tmp_path) -> None:
    package = (
        CoreML().write(Job(tiny, (16, 24), "float", CalibrationData.none(3)), tmp_path / "m.mlpackage").path
    )
    spec = Model_pb2.Model()
    spec.ParseFromString((package / MODEL_PATH).read_bytes())
    spec.description.metadata.userDefined.clear()
    (package / MODEL_PATH).write_bytes(spec.SerializeToString())
    artifact = import_file(package, tmp_path / "a")
    assert (artifact.facts.scale, artifact.main.size) == (tiny.facts.scale, (16, 24))
    session = load(tmp_path / "a")
    image, expected = image_and_output(tiny, (16, 24))
    np.testing.assert_allclose(
        session.run(image[0].transpose(1, 2, 0)).transpose(2, 0, 1), expected[0], atol=1e-5
    )
    session.close()
