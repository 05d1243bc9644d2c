"""What is run for what the user named: sizes, variants, counts and refusals, on manifests made by hand."""

import json
import subprocess
import sys

import pytest

from edgeir.benchmarking.timing.prepare import is_checkpoint, prepare
from edgeir.core.errors import ArtifactError, ConfigError
from edgeir.core.files import sha256_file
from edgeir.manifest.artifact import Artifact, Parity, TensorSpec
from edgeir.manifest.facts import NetworkFacts


def artifact(folder, *, target="tflite", size=(180, 320), variants=(), macs=1000, scale=4):
    folder.mkdir()
    suffix = {"tflite": ".tflite", "onnx": ".onnx", "coreml": ".mlpackage"}[target]
    main = folder / f"model{suffix}"
    main.write_bytes(b"main")
    names = {f"{h}x{w}": f"model-{h}x{w}{suffix}" for h, w in variants}
    for name in names.values():
        (folder / name).write_bytes(name.encode())
    layout = "NHWC" if target == "tflite" else "NCHW"
    height, width = size if size else (None, None)
    shape = (1, height, width, 3) if layout == "NHWC" else (1, 3, height, width)
    spec = TensorSpec(name="x", shape=shape, layout=layout, dtype="float32")
    value = Artifact(
        name=main.name,
        source="net",
        target=target,
        precision="int8",
        profile="p",
        sha256=sha256_file(main),
        bytes=4,
        inputs=(spec,),
        outputs=(spec,),
        facts=NetworkFacts(scale=scale),
        macs=macs,
        parameters=7,
        variants=names,
        variant_sha256={key: sha256_file(folder / name) for key, name in names.items()},
        checkpoint_sha256="0" * 64,
        parity=Parity(patches=1, max_abs_error=0, psnr_drop_db=0, colour_shift=(0, 0, 0)),
    )
    (folder / "artifact.json").write_text(json.dumps(value.model_dump(mode="json")))
    return folder


def one(path, tmp_path, *, runtimes=(), height=720, width=1280):
    (entry,) = prepare(path, runtimes=runtimes, precisions=(), height=height, width=width, scratch=tmp_path)
    return entry


def test_an_artifact_of_the_timed_size(tmp_path):
    entry = one(artifact(tmp_path / "a"), tmp_path)
    assert entry.name == "net litert int8"
    assert (entry.macs, entry.parameters, entry.file_bytes) == (1000, 7, 4)


def test_the_variant_of_the_timed_size_is_taken(tmp_path):
    folder = artifact(tmp_path / "a", size=(90, 160), variants=[(180, 320), (45, 80)])
    entry = one(folder, tmp_path)
    assert entry.path.name == "model-180x320.tflite"
    assert entry.sha256 == sha256_file(entry.path)
    assert entry.macs == 4000  # four times the pixels of the manifest's own size
    named = one(folder / "model-45x80.tflite", tmp_path)
    assert named.path.name == "model-45x80.tflite"
    assert one(folder / "artifact.json", tmp_path).path.name == "model-180x320.tflite"


def test_another_size_counts_the_whole_picture(tmp_path):
    entry = one(artifact(tmp_path / "a", size=(90, 160)), tmp_path)
    assert entry.path.name == "model.tflite"
    assert entry.macs == 4000


def test_a_dynamic_artifact_counts_720p(tmp_path):
    folder = artifact(tmp_path / "a", target="onnx", size=None)
    assert one(folder, tmp_path).macs == 1000
    assert one(folder, tmp_path, height=360, width=640).macs == 250


def test_refusals(tmp_path):
    folder = artifact(tmp_path / "a")
    with pytest.raises(
        ConfigError, match="a tflite artifact runs with litert, and only onnxruntime asked for"
    ):
        one(folder, tmp_path, runtimes=["onnxruntime"])
    with pytest.raises(ConfigError, match="a coreml artifact runs with no runtime here"):
        one(artifact(tmp_path / "b", target="coreml"), tmp_path)
    with pytest.raises(ArtifactError, match="must be multiples of 4"):
        one(folder, tmp_path, height=722)
    with pytest.raises(ArtifactError, match="no artifact, checkpoint or zoo model of that name"):
        one(tmp_path / "none", tmp_path)
    (folder / "model.tflite").write_bytes(b"other")
    with pytest.raises(ArtifactError, match="changed after it was exported"):
        one(folder, tmp_path)


def test_is_checkpoint(tmp_path):
    assert not is_checkpoint(artifact(tmp_path / "a"))
    assert not is_checkpoint(tmp_path / "none")
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    assert is_checkpoint(tmp_path / "run")


def test_no_torch_is_needed_for_artifacts_and_reports():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import edgeir.benchmarking.run, edgeir.benchmarking.quality.evaluate, edgeir.reporting.run\n"
        "assert not any(name.startswith(('matplotlib', 'onnxruntime')) for name in sys.modules)\n"
        "print(edgeir.benchmarking.quality.evaluate.evaluate('bicubic', 'embedded-x4', limit=1)['rows'][0]['model'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "bicubic\n", done.stderr
