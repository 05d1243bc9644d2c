"""Core ML packages of several sizes (enumerated shapes)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgeir.core.errors import ArtifactError, ExportError
from edgeir.core.files import write_json
from edgeir.exporting.calibration import CalibrationData
from edgeir.exporting.profile import read_profile
from edgeir.exporting.prove.repeat import prove_again
from edgeir.exporting.run import export_network
from edgeir.exporting.target import Job
from edgeir.manifest.artifact import read_artifact
from edgeir.models import FDRNetConfig, PPDNConfig
from edgeir.runtime.loading import load, load_file
from edgeir.runtime.mil.package import read_package
from edgeir.runtime.mil.program import Program

from .conftest import card_of
from .test_contract import SMALLER, image_and_output

SIZES = [(16, 24), (24, 16), (32, 32)]


@pytest.fixture(scope="module", params=["float", "uint8"])
def artifact(request: pytest.FixtureRequest, tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sizes") / "a"
    profile = read_profile("coreml-fp32", ["target.enumerated=true"])
    export_network(tiny, card_of(tiny), profile, out=folder, name="n", sizes=SIZES, io=request.param)
    return folder


def test_one_package_takes_all_sizes_and_no_other(artifact: Path, tiny: Any) -> None:
    manifest, folder = read_artifact(artifact)
    (file,) = manifest.files
    assert (list(file.sizes), file.size) == (SIZES, SIZES[0])
    assert file.macs == tiny.macs(*SIZES[0])
    for size in SIZES:
        session = load_file(folder, manifest, file.at(size))
        image = np.random.default_rng(1).random((*size, 3), dtype=np.float32)
        with torch.inference_mode():
            wanted = tiny.deploy()(torch.from_numpy(image.transpose(2, 0, 1))[None])[0].numpy()
        step = 1.02 / 255 if session.input.dtype == "uint8" else 1e-5
        if step > 0.001:
            image = np.rint(image * 255).astype(np.float32) / 255
        assert np.abs(session.run(image).transpose(2, 0, 1) - wanted).max() < 3 * step
        session.close()
    session = load(artifact)
    with pytest.raises(ArtifactError, match="takes 16x24 images only"):
        session.run(np.zeros((32, 32, 3), np.float32))
    session.close()


def test_a_manifest_with_other_sizes_is_refused(artifact: Path, tmp_path: Path) -> None:
    manifest, folder = read_artifact(artifact)
    wrong = manifest.main.model_copy(update={"sizes": ((16, 24), (48, 48))})
    with pytest.raises(ArtifactError, match="takes the sizes"):
        load_file(folder, manifest, wrong)
    fixed = manifest.main.model_copy(update={"sizes": ()})
    with pytest.raises(ArtifactError, match="takes the sizes"):
        load_file(folder, manifest, fixed)


def test_it_is_proved_again(artifact: Path) -> None:
    assert prove_again(artifact).golden.drift == 0


def test_a_size_alone_is_a_fixed_one(tiny: Any, tmp_path: Path) -> None:
    profile = read_profile("coreml-fp32", ["target.enumerated=true"])
    made = export_network(tiny, card_of(tiny), profile, out=tmp_path / "a", name="n", sizes=SIZES[:1])
    assert (made.main.sizes, made.main.size) == ((), SIZES[0])


@pytest.mark.parametrize("precision", ["fp16", "w8"])
def test_other_precisions(precision: str, tiny: Any, calibration: np.ndarray, tmp_path: Path) -> None:
    target = read_profile(f"coreml-{precision}", ["target.enumerated=true"]).target
    target.write(
        Job(tiny, SIZES[0], "float", CalibrationData(calibration), tuple(SIZES[1:])), tmp_path / "m.mlpackage"
    )
    program = Program(read_package(tmp_path / "m.mlpackage").function, threads=1, where=tmp_path)
    for size in SIZES:
        image, wanted = image_and_output(tiny, size)
        assert np.abs(program.run(image) - wanted).max() < {"fp16": 5e-3, "w8": 0.05}[precision]


def test_eight_bit_activations_have_one_size(tiny: Any, calibration: np.ndarray, tmp_path: Path) -> None:
    target = read_profile("coreml-int8", ["target.enumerated=true"]).target
    job = Job(tiny, SIZES[0], "float", CalibrationData(calibration), tuple(SIZES[1:]))
    with pytest.raises(ExportError, match=r"traced at one size.*\(choose --precision w8"):
        target.write(job, tmp_path / "m.mlpackage")


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(FDRNetConfig(**SMALLER["fdr-net"]), id="means"),
        pytest.param(PPDNConfig(**SMALLER["ppdn"]), id="multiple", marks=pytest.mark.slow),
    ],
)
def test_sizes_with_a_multiple_and_networks_that_read_the_whole_image(config, busy, tmp_path: Path) -> None:
    network = busy(config.build())
    unit = network.facts.size_multiple
    sizes = [(unit * 2, unit * 3), (unit * 3, unit * 2)] if unit > 1 else SIZES
    target = read_profile("coreml-fp32", ["target.enumerated=true"]).target
    target.write(
        Job(network, sizes[0], "float", CalibrationData.none(3), tuple(sizes[1:])), tmp_path / "m.mlpackage"
    )
    program = Program(read_package(tmp_path / "m.mlpackage").function, threads=1, where=tmp_path)
    for size in sizes:
        image, wanted = image_and_output(network, size)
        np.testing.assert_allclose(program.run(image), wanted, atol=1e-5)


def test_the_manifest_survives_json(artifact: Path, tmp_path: Path) -> None:
    manifest, _ = read_artifact(artifact)
    write_json(tmp_path / "m.json", manifest.model_dump(mode="json"))
    assert type(manifest).model_validate_json((tmp_path / "m.json").read_text()) == manifest
