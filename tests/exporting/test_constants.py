"""Networks that read the whole image, as files: with the image's own statistics or with constants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edgeir.core.errors import ArtifactError, ExportError
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.target import LiteRT, clean_problems
from edgeir.imaging.files import Photo
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.card import Card
from edgeir.models import FDRNetConfig, Network, PlainSRConfig, PPCNEnhanceConfig
from edgeir.models.blocks.global_statistics import InstanceNorm
from edgeir.models.constants import calibrate, with_constants
from edgeir.restoring.image import restore_photo
from edgeir.runtime.loading import load

from .conftest import convert

PLAIN = {"CONV_2D", "LEAKY_RELU", "ADD", "MUL", "TANH", "RELU", "QUANTIZE", "DEQUANTIZE"}


@pytest.fixture(scope="module")
def student() -> Network:
    generator = torch.Generator().manual_seed(0)
    network = PPCNEnhanceConfig().build().eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                fan_in = module.weight[0].numel()
                module.weight.copy_(torch.randn(module.weight.shape, generator=generator) / fan_in**0.5)
            elif isinstance(module, InstanceNorm):
                module.weight.uniform_(0.5, 1.5, generator=generator)
    return network


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    return coarse.repeat(8, 1).repeat(8, 2)


def card_of(network: Network) -> Card:
    return Card(name="student", model={}, facts=network.facts, parameters=1, weights_sha256="0" * 64)


def output_of(network: Network, image: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return (
            network.deploy()(torch.from_numpy(image.transpose(0, 3, 1, 2).copy()))
            .numpy()
            .transpose(0, 2, 3, 1)
        )


def mirrored(network, pixels):  # type: ignore[no-untyped-def]
    """What `edgeir restore` calls the whole image: mirrored by the receptive radius, run, cropped."""
    radius = network.facts.receptive_radius
    image = np.pad(pixels, ((radius, radius), (radius, radius), (0, 0)), mode="symmetric")
    output = output_of(network, image[None].astype(np.float32) / np.float32(255))[0]
    return output[radius:-radius, radius:-radius]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_constants_convert_to_a_plain_litert_graph(precision, student, photos, run_litert) -> None:
    inputs = photos.astype(np.float32) / np.float32(255)
    constant = with_constants(student, calibrate(student, inputs))
    data = convert(LiteRT(precision=precision), constant, (64, 64), "float", inputs).data
    graph = Graph(data)
    assert clean_problems(graph) == []
    assert set(graph.kinds()) <= PLAIN
    error = run_litert(data, inputs[:1]) - output_of(constant, inputs[:1])
    if precision == "fp32":
        assert np.abs(error).max() <= 2e-6
        return
    assert np.sqrt(np.mean(error**2)) < 0.03
    inner = [op for op in graph.operators if graph.kind(op) not in ("QUANTIZE", "DEQUANTIZE")]
    assert graph.kinds().count("LEAKY_RELU") == 4
    assert all(graph.dtype(int(i)) in ("INT8", "INT32") for op in inner for i in (*op.inputs, *op.outputs))


def test_a_file_that_reads_the_image_is_clean_too(student, photos, run_litert) -> None:
    inputs = photos.astype(np.float32) / np.float32(255)
    data = convert(LiteRT(), student, (64, 64), "float", inputs).data
    kinds = Graph(data).kinds()
    assert clean_problems(Graph(data)) == []
    # Rows, then columns, of the image, and for each norm of its mean, of what the mean left, and of the variance.
    assert kinds.count("MEAN") == 2 * (1 + 2 * 3)
    np.testing.assert_allclose(run_litert(data, inputs[:1]), output_of(student, inputs[:1]), atol=5e-6)


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_constants_through_export_and_back(target, student, photos, tmp_path: Path) -> None:
    sizes = [(48, 40)] if target == "tflite" else []
    artifact = export_network(
        student,
        card_of(student),
        read_profile(f"{target}-fp32"),
        out=tmp_path / "out",
        name="test",
        sizes=sizes,
        statistics="constant",
        calibration=photos,
    )
    assert (artifact.statistics, artifact.facts.global_operations) == ("constant", ())
    assert artifact.constants is not None
    assert artifact.constants.max_abs_error > 100 * artifact.main.parity.max_abs_error
    assert read_artifact(tmp_path / "out")[0] == artifact
    constant = with_constants(student, calibrate(student, photos.astype(np.float32) / np.float32(255)))
    photo = Photo(photos[:2].reshape(128, 64, 3)[:, :57])
    session = load(tmp_path / "out")
    found = restore_photo(photo, session, tile=None if target == "tflite" else 60).pixels
    session.close()
    assert np.abs(found - mirrored(constant, photo.pixels) * 255).max() <= 0.51


def test_constant_attention_is_one_factor_per_channel(photos, run_litert) -> None:
    torch.manual_seed(0)
    network = FDRNetConfig(channels=8, phases=1, process_blocks=1, auxiliary_blocks=1).build().eval()
    inputs = photos.astype(np.float32) / np.float32(255)
    constant = with_constants(network, calibrate(network, inputs))
    graph = Graph(data := convert(LiteRT(), constant, (64, 64), "float", inputs).data)
    assert clean_problems(graph) == []
    assert not {"MEAN", "LOGISTIC"} & set(graph.kinds())
    np.testing.assert_allclose(run_litert(data, inputs[:1]), output_of(constant, inputs[:1]), atol=5e-6)


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_the_images_own_statistics_are_the_default(target, student, photos, tmp_path: Path) -> None:
    profile = read_profile(f"{target}-fp32")
    card, sizes = card_of(student), [(64, 64)] if target == "tflite" else []
    artifact = export_network(student, card, profile, out=tmp_path / "out", name="test", sizes=sizes)
    assert (artifact.statistics, artifact.constants) == ("image", None)
    session = load(tmp_path / "out")
    photo = Photo(photos[0])
    if (
        target == "tflite"
    ):  # the file takes this size only, so that there is no room for what lies beyond the border
        whole = output_of(student, photos[:1].astype(np.float32) / np.float32(255))[0]
    else:
        whole = mirrored(student, photos[0])
    assert np.abs(restore_photo(photo, session).pixels - whole * 255).max() <= 0.51
    if target == "tflite":
        with pytest.raises(ArtifactError, match="reads the whole image .*--statistics constant"):
            restore_photo(Photo(photos[0][:60]), session)
    session.close()


def test_constants_of_a_network_that_reads_none(tiny, tmp_path: Path, photos) -> None:
    with pytest.raises(ExportError, match="no global statistics that could be made constant"):
        export_network(
            tiny,
            card_of(tiny),
            read_profile("onnx-fp32"),
            out=tmp_path / "out",
            name="test",
            statistics="constant",
            calibration=photos,
        )
    assert not (tmp_path / "out").exists()
    artifact = export_network(
        PlainSRConfig(channels=4, blocks=0, branches=()).build().eval(),
        card_of(tiny),
        read_profile("onnx-fp32"),
        out=tmp_path / "out",
        name="test",
    )
    assert artifact.statistics is None
