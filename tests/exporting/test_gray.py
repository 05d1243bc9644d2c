"""A network of one channel as a file: one plane in and out, said by the manifest, and proved like any other."""

import numpy as np
import pytest
import torch

from edgeir.core.errors import ExportError
from edgeir.exporting.calibration import gather
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.card import Card
from edgeir.models import DnCNNConfig
from edgeir.runtime.loading import load


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return DnCNNConfig(channels=1, depth=3, width=8).build().eval()


@pytest.mark.parametrize(
    ("profile", "io", "shape"),
    [
        ("ncnn-fp32", "float", (1, 1, None, None)),
        ("ncnn-int8", "float", (1, 1, None, None)),
        ("onnx-fp32", "float", (1, 1, None, None)),
        ("onnx-int8", "uint8", (1, None, None, 1)),
        ("tflite-fp32", "float", (1, 24, 16, 1)),
        ("tflite-int8", "uint8", (1, 24, 16, 1)),
    ],
)
def test_a_gray_file(network, tmp_path, profile, io, shape):
    card = Card(name="gray", model={}, facts=network.facts, parameters=1, weights_sha256="0" * 64)
    sizes = [(24, 16), (32, 16)] if profile.startswith("tflite") else []
    export_network(
        network, card, read_profile(profile), out=tmp_path / "out", name=profile, sizes=sizes, io=io
    )
    artifact, folder = read_artifact(tmp_path / "out")
    assert artifact.facts.colour == "y"
    assert artifact.main.inputs[0].shape == artifact.main.outputs[0].shape == shape
    assert len(set(artifact.main.parity.colour_shift)) == 1
    for file in artifact.files:
        session = load(folder / file.path)
        size = session.fixed_size or (9, 14)
        x = np.random.default_rng(0).random((*size, 1), dtype=np.float32)
        with torch.no_grad():
            expected = (
                network.deploy()(torch.from_numpy(x).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
            )
        assert np.abs(session.run(x) - expected).max() < (0.05 if "int8" in profile else 1e-5)
        session.close()


def test_calibration_inputs_have_the_networks_channels(network):
    with pytest.raises(ExportError, match=r"must have shape \(N, H, W, 1\), not \(2, 8, 8, 3\)"):
        gather(np.zeros((2, 8, 8, 3), np.float32), network.facts, None, size=8, count=2)
