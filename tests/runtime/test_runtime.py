"""Sessions: one behaviour on every runtime, and one-line errors for everything that is not an artifact."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgeir.core.config import dump_yaml
from edgeir.core.errors import ArtifactError, CheckpointError, EdgeIRError
from edgeir.core.files import sha256_file
from edgeir.manifest.artifact import TensorSpec
from edgeir.runtime import catalog
from edgeir.runtime.loading import load
from edgeir.runtime.session import from_native, to_native

RUNTIMES = [
    ("student", "torch"),
    ("onnx", "onnxruntime"),
    ("tflite", "litert"),
    ("coreml", "mil"),
    ("ncnn", "ncnn"),
]
ELSEWHERE = {"coreml", "tensorflow"}
"""Runtimes of another system; tests/exporting/test_coreml.py has a stand-in."""


def image(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def test_every_runtime_of_the_catalog_is_tested_here() -> None:
    assert set(catalog.runtime_names()) == {runtime for _, runtime in RUNTIMES} | ELSEWHERE


@pytest.mark.parametrize("entry", catalog.RUNTIMES, ids=lambda entry: entry.name)
def test_a_runtimes_settings_survive_yaml(entry) -> None:
    member = entry.settings()
    assert member.model_fields["kind"].default == entry.name
    config = member(threads=3)
    assert member.model_validate(yaml.safe_load(dump_yaml(config))) == config


@pytest.mark.parametrize(("source", "runtime"), RUNTIMES)
@pytest.mark.parametrize("asked", ["auto", "named"])
def test_every_runtime_gives_the_same_image(source, runtime, asked, made: Path) -> None:
    session = load(made / source, runtime=runtime if asked == "named" else "auto")
    assert session.runtime == runtime
    assert session.facts.scale == 4
    result = session.run(image(12, 10, 3))
    assert (result.shape, result.dtype) == ((48, 40, 3), np.float32)
    np.testing.assert_allclose(result, load(made / "student").run(image(12, 10, 3)), atol=1e-5)


@pytest.mark.parametrize(("source", "runtime"), RUNTIMES)
def test_a_result_is_the_callers_own(source, runtime, made: Path) -> None:
    session = load(made / source)
    first = session.run(image(12, 10, 3))
    kept = first.copy()
    session.run(1 - image(12, 10, 3))
    np.testing.assert_array_equal(first, kept)
    session.close()
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize(("source", "runtime"), RUNTIMES)
def test_the_raw_run_is_the_run_without_casts(source, runtime, made: Path) -> None:
    session = load(made / source)
    raw = session.run_raw(to_native(image(12, 10, 3), session.input))
    layout = (0, 1, 2) if session.input.layout == "NHWC" else (1, 2, 0)
    np.testing.assert_array_equal(raw[0].transpose(layout), session.run(image(12, 10, 3)))


def test_an_artifact_is_found_by_folder_manifest_and_file(made: Path) -> None:
    for path in ("tflite", "tflite/artifact.json", "tflite/model.tflite"):
        session = load(made / path)
        assert session.fixed_size == (12, 10)
        assert session.artifact is not None
        assert session.source_sha256 == sha256_file(made / "tflite/model.tflite")
    other = load(str(made / "tflite/model-8x8.tflite"))
    assert (other.fixed_size, other.input.shape) == ((8, 8), (1, 8, 8, 3))
    assert other.source_sha256 == sha256_file(made / "tflite/model-8x8.tflite")
    assert load(made / "onnx").fixed_size is None
    assert load(made / "student").artifact is None


@pytest.mark.parametrize(("source", "runtime"), RUNTIMES)
@pytest.mark.parametrize("shape", [(10, 12), (10, 12, 4), (0, 12, 3)])
def test_what_is_no_image_is_refused(source, runtime, shape, made: Path) -> None:
    with pytest.raises(ArtifactError, match=r"shape \(H, W, 3\)|not 0x12|images only"):
        load(made / source).run(np.zeros(shape, np.float32))


def test_a_fixed_size_says_which(made: Path) -> None:
    with pytest.raises(ArtifactError, match="takes 12x10 images only .*not 8x8.*--size"):
        load(made / "tflite").run(image(8, 8, 3))


@pytest.mark.parametrize(
    ("source", "runtime", "message"),
    [
        ("tflite", "onnxruntime", "runs with litert, not with onnxruntime"),
        ("onnx", "torch", "runs with onnxruntime, not with torch"),
        ("student", "litert", "is a checkpoint, which runs with torch"),
        ("photos", "auto", "it holds no artifact.json, edgeir.json or card.json"),
        ("nothing-here", "auto", "neither a file, a folder nor a network of the zoo"),
        ("student", "tensorrt", "there is no runtime `tensorrt`"),
    ],
)
def test_the_wrong_runtime_or_path_is_one_line(source, runtime, message, made: Path) -> None:
    with pytest.raises(EdgeIRError, match=message) as caught:
        load(made / source, runtime=runtime)
    assert "\n" not in str(caught.value)


def test_no_threads_are_too_few(made: Path) -> None:
    with pytest.raises(ArtifactError, match="at least 1, not 0"):
        load(made / "tflite", threads=0)


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_a_tampered_file_is_refused(target, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made / target, folder)
    model = next(folder.glob("model.*"))
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with pytest.raises(ArtifactError, match="changed after it was exported"):
        load(folder)
    model.unlink()
    with pytest.raises(ArtifactError, match="is missing"):
        load(folder)


@pytest.mark.parametrize("target", ["tflite", "onnx"])
@pytest.mark.parametrize("damage", ["empty", "truncated", "noise"])
def test_a_damaged_file_whose_hash_was_made_to_fit_is_one_line(
    target, damage, made: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made / target, folder)
    model = next(folder.glob("model.*"))
    data = model.read_bytes()
    noise = np.random.default_rng(0).integers(0, 256, len(data), dtype=np.uint8).tobytes()
    model.write_bytes({"empty": b"", "truncated": data[: len(data) // 3], "noise": noise}[damage])
    manifest = json.loads((folder / "artifact.json").read_text())
    manifest["files"][0]["sha256"] = sha256_file(model)
    (folder / "artifact.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    assert model.name in str(caught.value)


def test_a_manifest_that_lies_about_the_tensors_is_refused(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made / "tflite", folder)
    manifest = json.loads((folder / "artifact.json").read_text())
    manifest["files"][0]["inputs"][0]["dtype"] = "uint8"
    (folder / "artifact.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtifactError, match=r"tensor `image` is float32 .*the manifest says uint8"):
        load(folder)


def test_a_damaged_checkpoint_is_one_line(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made / "student", folder)
    (folder / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


def test_loading_prints_nothing(made: Path, capfd) -> None:
    for source, _ in RUNTIMES:
        load(made / source).run(image(12, 10, 3))
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize("target", ["tflite", "onnx", "ncnn"])
def test_an_artifact_runs_where_torch_is_not_installed(target, made: Path) -> None:
    script = (
        "import sys, numpy as np\n"
        "sys.modules['torch'] = None\n"
        "from edgeir.runtime.loading import load\n"
        f"print(load({str(made / target)!r}).run(np.zeros((12, 10, 3), np.float32)).shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "(48, 40, 3)"), done.stderr


def test_a_checkpoint_without_torch_says_what_to_install(made: Path) -> None:
    script = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from edgeir.runtime.loading import load\n"
        "from edgeir.core.errors import EdgeIRError\n"
        "try:\n"
        f"    load({str(made / 'student')!r})\n"
        "except EdgeIRError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "pip install 'edgeir[train]'" in done.stdout, done.stderr


SPECS = [
    TensorSpec(
        name="x", shape=(1, None, None, 3), layout="NHWC", dtype="uint8", quant_scale=1 / 255, zero_point=0
    ),
    TensorSpec(
        name="x", shape=(1, None, None, 3), layout="NHWC", dtype="int8", quant_scale=1 / 255, zero_point=-128
    ),
    TensorSpec(name="x", shape=(1, 3, None, None), layout="NCHW", dtype="float16"),
    TensorSpec(name="x", shape=(1, 3, None, None), layout="NCHW", dtype="float32"),
]


@given(
    image=arrays.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.just(3))),
    spec=st.sampled_from(SPECS),
)
def test_an_eight_bit_image_survives_every_native_form(image: np.ndarray, spec: TensorSpec) -> None:
    unit = (image / 255).astype(np.float32)
    tensor = to_native(unit, spec)
    height, width = image.shape[:2]
    assert tensor.shape == ((1, height, width, 3) if spec.layout == "NHWC" else (1, 3, height, width))
    assert (tensor.dtype.name, tensor.flags.c_contiguous) == (spec.dtype, True)
    np.testing.assert_array_equal(np.rint(from_native(tensor, spec) * 255), image)


@given(value=st.floats(-3, 3, width=32))
def test_values_outside_the_range_saturate(value: float) -> None:
    tensor = to_native(np.full((1, 1, 3), value, np.float32), SPECS[0])
    exact = min(max(value, 0), 1) * 255
    assert abs(int(tensor.max()) - exact) <= 0.5 + 1e-4  # a value half-way may go either way


def test_integers_without_a_scale_are_an_error() -> None:
    spec = TensorSpec(name="odd", shape=(1, 2, 2, 3), layout="NHWC", dtype="int8")
    with pytest.raises(EdgeIRError, match="`odd` has no quant_scale"):
        to_native(image(2, 2, 3), spec)
