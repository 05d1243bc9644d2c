"""Frozen TensorFlow graphs: read without TensorFlow, run where there is one, against torch's SRCNN as the oracle."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeir.core.errors import ArtifactError
from edgeir.runtime.frozen_graph import message_class, read_frozen_graph
from edgeir.runtime.tensorflow import PYTHON, ends_of

WEIGHTS = Path(os.environ.get("EDGEIR_DATA", "nowhere")) / "weights"
here = pytest.mark.skipif(
    not WEIGHTS.is_dir(), reason="the PIRM challenge's graphs lie in $EDGEIR_DATA/weights"
)


def graph(channels: int = 3, output: str = "output", loop: bool = False) -> bytes:
    """A placeholder, a 3x3 convolution, and a result."""
    made = message_class("Graph")()
    entry = made.node.add(name="image", op="Placeholder")
    shape = entry.attr.add(key="shape").value.shape
    for size in (1, -1, -1, channels):
        shape.dim.add(size=size)
    entry.attr.add(key="dtype").value.type = 1
    weights = made.node.add(name="w", op="Const").attr.add(key="value").value.tensor
    weights.dtype = 1
    for size in (3, 3, channels, channels):
        weights.tensor_shape.dim.add(size=size)
    made.node.add(name="conv", op="Conv2D", input=["image", "w", *([output] if loop else [])])
    made.node.add(name=output, op="Identity", input=["conv:0", "^w"])
    return made.SerializeToString()


def written(tmp_path: Path, content: bytes) -> Path:
    (tmp_path / "g.pb").write_bytes(content)
    return tmp_path / "g.pb"


def test_a_graph_is_read_in_the_order_in_which_it_runs(tmp_path) -> None:
    found = read_frozen_graph(written(tmp_path, graph(output="y")))
    assert (found.input, found.output) == ("image", "y")
    assert [node.name for node in found.nodes][-2:] == ["conv", "y"]
    entry, exit_ = ends_of(found, where=tmp_path)
    assert (entry.shape, exit_.shape) == ((1, None, None, 3), (1, None, None, 3))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no frozen TensorFlow graph"),
        (b"\x0a\xff\xff\xff\xff\x0f", "no frozen TensorFlow graph"),
        (graph()[:-9], "no frozen TensorFlow graph"),
        (graph(loop=True), "loop"),
        (
            graph() + graph(output="again").replace(b"image", b"other"),
            "inputs instead of one|outputs instead of one",
        ),
    ],
    ids=["empty", "length", "cut", "loop", "two"],
)
def test_what_is_no_such_graph_is_one_line(content, words, tmp_path) -> None:
    with pytest.raises(ArtifactError, match=words):
        read_frozen_graph(written(tmp_path, content))


def test_an_input_that_is_no_image_is_refused(tmp_path) -> None:
    path = written(tmp_path, graph(channels=7))
    with pytest.raises(
        ArtifactError, match=r"no float32 image .* \(1, None, None, 7\), its type number 1"
    ) as caught:
        ends_of(read_frozen_graph(path), where=path)
    assert caught.value.where == str(path)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(graph()) - 1), st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(tmp_path_factory, position, value) -> None:
    content = bytearray(graph())
    content[position] = value
    path = written(tmp_path_factory.mktemp("g"), bytes(content))
    try:
        read_frozen_graph(path)
    except ArtifactError:
        return


@pytest.mark.shared
def test_the_challenge_s_graph_is_inspected(shared_data) -> None:
    from edgeir.exporting.inspect.run import inspect

    (report,) = inspect(shared_data / "weights" / "div2k-srcnn.pb", size=(720, 1280)).files
    assert (report.parameters, report.receptive_field.radius) == (69_249, 8)
    assert report.macs == 720 * 1280 * (9 * 9 * 3 * 64 + 5 * 5 * 64 * 32 + 5 * 5 * 32 * 3)


@pytest.mark.shared
@pytest.mark.skipif(not os.environ.get(PYTHON), reason=f"{PYTHON} names no Python with TensorFlow")
def test_tensorflow_computes_what_torch_does(tmp_path, shared_data) -> None:
    from edgeir.exporting.import_file import import_file
    from edgeir.models import SRCNNConfig
    from edgeir.models.srcnn import load_reference_weights
    from edgeir.runtime.loading import load

    artifact = import_file(shared_data / "weights" / "div2k-srcnn.pb", tmp_path / "a", scale=4)
    assert (artifact.facts.input_kind, artifact.facts.receptive_radius) == ("bicubic", 8)
    network = SRCNNConfig().build().eval()
    load_reference_weights(network, shared_data / "weights" / "div2k-srcnn.npz")
    image = np.random.default_rng(0).random((20, 28, 3), dtype=np.float32)
    with torch.inference_mode():
        expected = network.deploy()(torch.from_numpy(image.transpose(2, 0, 1))[None])[0].numpy()
    session = load(tmp_path / "a")
    try:
        np.testing.assert_allclose(session.run(image).transpose(2, 0, 1), expected, atol=2e-6)
    finally:
        session.close()


def test_the_baseline_is_written_as_a_graph(tmp_path) -> None:
    from edgeir.benchmarking.timing.frozen_srcnn import write_frozen_srcnn
    from edgeir.exporting.inspect.run import inspect
    from edgeir.models import SRCNNConfig

    path = write_frozen_srcnn(SRCNNConfig().build(), tmp_path / "srcnn.pb")
    (report,) = inspect(path, size=(16, 16)).files
    assert (report.parameters, report.receptive_field.radius) == (69_249, 8)
    assert report.macs == SRCNNConfig().build().macs(16, 16)
    assert (report.inputs[0].name, report.outputs[0].name) == ("input", "output")
