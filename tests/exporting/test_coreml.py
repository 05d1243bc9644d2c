"""Core ML packages: executed as written by the interpreter, the same bytes each time, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from edgeir.cli.app import main
from edgeir.core.errors import ArtifactError, ConfigError, ExportError, ParityError
from edgeir.core.files import sha256_tree, write_json
from edgeir.exporting.calibration import CalibrationData
from edgeir.exporting.profile import read_profile
from edgeir.exporting.prove.repeat import prove_again
from edgeir.exporting.run import export_network
from edgeir.exporting.target import Job
from edgeir.exporting.targets.coreml.target import CoreML
from edgeir.manifest.artifact import Artifact, read_artifact
from edgeir.manifest.parity import NativeRun, NotRun, Parity
from edgeir.quantize.plan import LayerFormat, QuantizationPlan
from edgeir.runtime import catalog, coreml
from edgeir.runtime.loading import load
from edgeir.runtime.mil.package import MODEL_PATH, WEIGHTS_FOLDER, read_package
from edgeir.runtime.mil.program import Program

from .conftest import SIZE, card_of

TOLERANCE = {"fp32": 1e-5, "fp16": 5e-3, "w8": 0.05, "int8": 0.15}


@pytest.fixture(scope="module")
def packages(tiny, calibration, tmp_path_factory) -> Any:
    folder = tmp_path_factory.mktemp("packages")

    def written(precision: str, io: Any = "float", name: str = "") -> Path:
        path = folder / f"{precision}-{io}{name}.mlpackage"
        if not path.exists():
            job = Job(tiny, SIZE, io, CalibrationData(calibration))
            read_profile(f"coreml-{precision}").target.write(job, path)
        return path

    return written


def output(package: Path, tensor: np.ndarray) -> np.ndarray:
    return Program(read_package(package).function, threads=1, where=package).run(tensor)


def expected(network: Any, tensor: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network.deploy()(torch.from_numpy(tensor)).numpy()


@pytest.mark.parametrize("precision", list(TOLERANCE))
def test_a_package_computes_the_network(packages, tiny, precision):
    x = np.random.default_rng(1).random((1, 3, *SIZE), dtype=np.float32)
    got, wanted = output(packages(precision), x), expected(tiny, x)
    assert np.abs(got - wanted).max() < TOLERANCE[precision]
    if precision != "fp32":
        assert np.abs(got - wanted).max() > 1e-5, "it is no more exact than its numbers"


def test_lower_precision_is_in_the_file(packages):
    kinds = {
        name: {op.op_type for op in read_package(packages(name)).function.operations} for name in TOLERANCE
    }
    assert "constexpr_affine_dequantize" in kinds["w8"] & kinds["int8"]
    assert {"quantize", "dequantize"} <= kinds["int8"]
    assert not kinds["fp32"] & {"cast", "quantize", "constexpr_affine_dequantize"}
    sizes = {
        name: sum(f.stat().st_size for f in packages(name).rglob("*") if f.is_file()) for name in TOLERANCE
    }
    assert sizes["w8"] < sizes["fp16"] < sizes["fp32"]


def test_an_image_goes_in_and_comes_out_in_bytes(packages, tiny):
    package = read_package(packages("fp32", "uint8"))
    assert (package.input.dtype, package.input.layout, package.input.shape) == (
        "uint8",
        "NHWC",
        (1, *SIZE, 3),
    )
    levels = np.random.default_rng(1).integers(0, 256, (1, 3, *SIZE)).astype(np.float32)
    got = output(packages("fp32", "uint8"), levels)
    np.testing.assert_allclose(got, expected(tiny, levels / np.float32(255)) * 255, atol=2e-3)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_two_exports_are_the_same_bytes(packages, precision):
    first, second = packages(precision), packages(precision, name="-again")
    assert sha256_tree(first) == sha256_tree(second)
    assert sorted(path.name for path in first.iterdir()) == ["Data", "Manifest.json"]


def exported(network: Any, folder: Path, profile: str, io: Any) -> Artifact:
    return export_network(
        network, card_of(network), read_profile(profile), out=folder, name=profile, sizes=[(24, 20)], io=io
    )


@pytest.fixture(scope="module")
def artifact(tiny, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("artifact") / "out"
    exported(tiny, folder, "coreml-fp16", "float")
    return folder


def test_an_artifact_is_proved_by_the_interpreter_and_says_so(artifact, tiny):
    found, folder = read_artifact(artifact)
    assert isinstance(found.main.parity, Parity)
    assert found.main.parity.engine.startswith("MIL interpreter")
    assert found.main.sha256 == sha256_tree(folder / "model.mlpackage")
    x = np.random.default_rng(3).random((24, 20, 3), dtype=np.float32)
    session = load(folder / "model.mlpackage", runtime="mil")
    want = expected(tiny, np.ascontiguousarray(x.transpose(2, 0, 1)[None]))[0].transpose(1, 2, 0)
    assert np.abs(session.run(x) - want).max() < 5e-3
    session.close()


@pytest.mark.parametrize("io", ["float", "uint8"])
def test_commands_take_it(tiny, tmp_path, io, capsys):
    exported(tiny, tmp_path / "out", "coreml-fp32", io)
    photo = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 41, 3), dtype=np.uint8)).save(photo)
    assert (
        main(["restore", str(photo), str(tmp_path / "large.png"), "--model", str(tmp_path / "out"), "-q"])
        == 0
    )
    assert Image.open(tmp_path / "large.png").size == (164, 120)
    capsys.readouterr()
    words = [
        "bench",
        str(tmp_path / "out"),
        "--suite",
        "embedded-x4",
        "--out",
        str(tmp_path / "bench.json"),
        "-q",
    ]
    assert main(words) == 2
    assert "says nothing about a device" in capsys.readouterr().err


class OfApple:
    """A stand-in for Core ML's predictor: the interpreter, off by `error`."""

    def __init__(self, package: Path, error: float = 0.0) -> None:
        self.package, self.error = package, error

    def __call__(self, inputs: dict[str, Any]) -> dict[str, Any]:
        (value,) = inputs.values()
        if isinstance(value, Image.Image):
            levels = np.asarray(value, np.float32).transpose(2, 0, 1)[None]
            result = np.rint(output(self.package, np.ascontiguousarray(levels)))[0].transpose(1, 2, 0)
            return {"restored": Image.fromarray(result.astype(np.uint8)).convert("RGBA")}
        return {"restored": output(self.package, value) + np.float32(self.error)}


@pytest.fixture
def mac(monkeypatch):
    """This machine, as if Core ML were on it."""

    def apply(error: float = 0.0) -> None:
        entry = catalog.runtime_entry("coreml")
        monkeypatch.setattr("edgeir.runtime.catalog.sys", SimpleNamespace(platform=entry.system))
        monkeypatch.setattr(coreml, "predictor", lambda model: OfApple(model, error))

    return apply


def test_prove_on_a_mac_runs_core_ml_and_adds_its_row(artifact, mac, capsys):
    assert isinstance(prove_again(artifact).native, NotRun)
    assert main(["prove", str(artifact)]) == 0
    assert "not run: Core ML (coremltools) is not on this system" in capsys.readouterr().out
    mac()
    for _ in range(2):  # the same engine has one row
        proof = prove_again(artifact)
    assert isinstance(proof.native, NativeRun)
    assert proof.native.max_abs_error < 5e-3
    assert read_artifact(artifact)[0].main.native_runs == (proof.native,)
    assert main(["prove", str(artifact)]) == 0
    assert "added to the manifest" in capsys.readouterr().out


def test_core_ml_that_computes_something_else_is_refused(artifact, mac):
    mac(error=0.1)
    before = (artifact / "artifact.json").read_bytes()
    with pytest.raises(ParityError, match=r"Core ML .* differs from the network by 1\.0"):
        prove_again(artifact)
    assert (artifact / "artifact.json").read_bytes() == before


def test_images_pass_through_core_ml_as_images(tiny, tmp_path, mac):
    made = exported(tiny, tmp_path / "out", "coreml-fp32", "uint8")
    assert made.main.inputs[0].layout == "NHWC"
    mac()
    session = load(tmp_path / "out")
    assert session.runtime == "coreml"
    x = np.random.default_rng(3).integers(0, 256, (24, 20, 3)).astype(np.float32) / np.float32(255)
    np.testing.assert_allclose(session.run(x), load(tmp_path / "out", runtime="mil").run(x), atol=1e-6)


def test_core_ml_elsewhere_is_refused(artifact):
    with pytest.raises(ArtifactError, match="Core ML runs on macOS only.*--runtime mil"):
        load(artifact, runtime="coreml")


@pytest.mark.parametrize(
    ("settings", "size", "io", "message"),
    [
        ({}, None, "float", "fixed input size"),
        ({}, SIZE, "int8", "not int8"),
        ({"precision": "int8", "deployment": "iOS16"}, SIZE, "float", "need iOS17 or newer"),
        ({"precision": "w8", "deployment": "iOS15"}, SIZE, "float", "need iOS16 or newer"),
    ],
)
def test_what_cannot_be_made_is_said(tiny, calibration, empty, settings, size, io, message):
    with pytest.raises(ExportError, match=message):
        CoreML(**settings).write(Job(tiny, size, io, CalibrationData(calibration)), empty / "m.mlpackage")
    assert not list(empty.iterdir())


def test_a_mixed_plan_is_refused(tiny, calibration, empty):
    plan = QuantizationPlan(
        default=LayerFormat(weights="int8", activations="int8"), layers={"tail": LayerFormat()}
    )
    with pytest.raises(ExportError, match="cannot keep single layers"):
        CoreML(precision=plan).write(
            Job(tiny, SIZE, "float", CalibrationData(calibration)), empty / "m.mlpackage"
        )


@pytest.mark.parametrize("part", [MODEL_PATH, WEIGHTS_FOLDER / "weight.bin", Path("Manifest.json")])
@pytest.mark.parametrize("how", ["gone", "cut", "noise"])
def test_a_damaged_package_is_one_line(artifact, tmp_path, part, how):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(artifact, folder)
    file = folder / "model.mlpackage" / part
    content = file.read_bytes()
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 2] if how == "cut" else bytes(len(content)))
    with pytest.raises(ArtifactError):  # the hash of the tree
        load(folder, runtime="mil")
    manifest = json.loads((folder / "artifact.json").read_text())
    manifest["files"][0]["sha256"] = sha256_tree(folder / "model.mlpackage")
    write_json(folder / "artifact.json", manifest)
    if (how, part.name) == ("noise", "weight.bin") and _runs(folder):
        return  # other weights are a network as well
    with pytest.raises(ArtifactError) as caught:
        load(folder, runtime="mil").run(np.zeros((24, 20, 3), np.float32))
    assert "\n" not in str(caught.value)


def _runs(folder: Path) -> bool:
    try:
        load(folder, runtime="mil").run(np.zeros((24, 20, 3), np.float32))
    except ArtifactError:
        return False
    return True


def test_a_manifest_of_something_else_is_refused(artifact, tmp_path):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(artifact, folder)
    manifest = json.loads((folder / "artifact.json").read_text())
    manifest["facts"]["receptive_radius"] += 1
    write_json(folder / "artifact.json", manifest)
    with pytest.raises(ArtifactError, match="receptive_radius"):
        load(folder, runtime="mil")


def test_an_unknown_runtime_for_the_format(artifact):
    with pytest.raises((ArtifactError, ConfigError), match="runs with mil and coreml, not with torch"):
        load(artifact, runtime="torch")
