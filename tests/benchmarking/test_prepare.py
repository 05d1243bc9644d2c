"""What is run for what the user named: sizes, variants, counts and refusals, on manifests made by hand."""

import subprocess
import sys

import pytest

from edgeir.benchmarking.timing.prepare import prepare
from edgeir.core.errors import ArtifactError, CheckpointError, ConfigError
from edgeir.core.files import sha256_file


def one(path, tmp_path, *, runtimes=(), height=720, width=1280):
    (entry,) = prepare(path, runtimes=runtimes, precisions=(), height=height, width=width, scratch=tmp_path)
    return entry


def test_an_artifact_of_the_timed_size(tmp_path, make_artifact):
    entry = one(make_artifact(tmp_path / "a", sizes=[(180, 320)]), tmp_path)
    assert entry.name == "net litert int8"
    assert (entry.macs, entry.parameters, entry.file_bytes) == (1000, 7, 12)


def test_the_file_of_the_timed_size_is_taken(tmp_path, make_artifact):
    folder = make_artifact(tmp_path / "a", sizes=[(90, 160), (180, 320), (45, 80)])
    entry = one(folder, tmp_path)
    assert entry.path.name == "model-180x320.tflite"
    assert entry.sha256 == sha256_file(entry.path)
    assert entry.macs == 1000
    named = one(folder / "model-45x80.tflite", tmp_path)
    assert named.path.name == "model-45x80.tflite"
    assert named.macs == 16_000, "sixteen times the pixels of the file's own size"
    assert one(folder / "artifact.json", tmp_path).path.name == "model-180x320.tflite"


def test_another_size_counts_the_whole_image(tmp_path, make_artifact):
    entry = one(make_artifact(tmp_path / "a", sizes=[(90, 160)]), tmp_path)
    assert entry.path.name == "model.tflite"
    assert entry.macs == 4000


def test_a_dynamic_artifact_counts_720p(tmp_path, make_artifact):
    folder = make_artifact(tmp_path / "a", target="onnx", sizes=[None])
    assert one(folder, tmp_path).macs == 1000
    assert one(folder, tmp_path, height=360, width=640).macs == 250


def test_refusals(tmp_path, make_artifact):
    folder = make_artifact(tmp_path / "a")
    with pytest.raises(
        ConfigError, match="a tflite artifact runs with litert, and only onnxruntime asked for"
    ):
        one(folder, tmp_path, runtimes=["onnxruntime"])
    with pytest.raises(ConfigError, match="MIL interpreter .* says nothing about a device"):
        one(make_artifact(tmp_path / "b", target="coreml"), tmp_path)
    with pytest.raises(ArtifactError, match="must be multiples of 4"):
        one(folder, tmp_path, height=722)
    with pytest.raises(CheckpointError, match="neither a file, a folder nor a network of the zoo"):
        one(tmp_path / "none", tmp_path)
    (folder / "model.tflite").write_bytes(b"other")
    with pytest.raises(ArtifactError, match="changed after it was exported"):
        one(folder, tmp_path)


def test_no_torch_is_needed_for_artifacts_and_reports():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import edgeir.benchmarking.run, edgeir.benchmarking.quality.evaluate, edgeir.reporting.run\n"
        "assert not any(name.startswith(('matplotlib', 'onnxruntime')) for name in sys.modules)\n"
        "print(edgeir.benchmarking.quality.evaluate.evaluate('bicubic', 'embedded-x4', limit=1)['rows'][0]['model'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "bicubic\n", done.stderr
