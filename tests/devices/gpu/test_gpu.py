"""The GPU devices without a GPU: LiteRT's accelerator on a software Vulkan, the others' loaders on the CPU.

What only a GPU shows (its times, CUDA's numbers) is not tested here.
"""

import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from edgeir.benchmarking.result import read_result
from edgeir.benchmarking.run import bench
from edgeir.benchmarking.sent import sent_checkpoint
from edgeir.benchmarking.timing.untrained import save_network
from edgeir.core.errors import ArtifactError, ConfigError, DeviceError
from edgeir.core.progress import no_progress
from edgeir.devices.catalog import check_runs, connect
from edgeir.devices.gpu import driver
from edgeir.devices.gpu.device import GpuOnnx, GpuTorch
from edgeir.exporting.prove.on_device import prove_files_on
from edgeir.exporting.run import export
from edgeir.manifest.artifact import read_artifact
from edgeir.models import PlainSRConfig
from edgeir.runtime.loading import load_file
from edgeir.runtime.torch import Torch

SIZE = (24, 32)
ICDS = (Path("/usr/lib/chromium"), Path("/usr/lib64/chromium"), Path("/usr/lib/chromium-browser"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_network(
        PlainSRConfig(channels=4, blocks=1, scale=2), "tiny", tmp_path_factory.mktemp("tiny") / "it"
    )


@pytest.fixture(scope="module")
def files(checkpoint, tmp_path_factory):
    """Export to a target, once."""
    made = {}

    def exported(target):
        if target not in made:
            folder = tmp_path_factory.mktemp(target) / "out"
            export(checkpoint, target=target, sizes=[SIZE], out=folder)
            artifact, folder = read_artifact(folder)
            made[target] = (folder / artifact.main.path, artifact, artifact.main)
        return made[target]

    return exported


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).random((*SIZE, 3), dtype=np.float32)


@pytest.fixture
def nvidia(monkeypatch):
    """A machine whose driver answers."""
    monkeypatch.setattr(
        "edgeir.devices.gpu.device.nvidia_gpu", lambda device: driver.NvidiaGpu("Some GPU", "1.2")
    )


def ran(device, path, artifact, file, image):
    session = device.open(path, artifact, file)
    try:
        return session.run(image)
    finally:
        session.close()


def timed(device, path, artifact, file, **options):
    return device.time(path, artifact, file, size=SIZE, runs=6, progress=no_progress, **options)


# --- LiteRT ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def software_vulkan(monkeypatch):
    pytest.importorskip("ai_edge_litert.compiled_model")
    icd = next(
        (
            folder / "vk_swiftshader_icd.json"
            for folder in ICDS
            if (folder / "vk_swiftshader_icd.json").is_file()
        ),
        None,
    )
    if icd is None:
        pytest.skip("no software Vulkan (apt-get install chromium libvulkan1)")
    monkeypatch.setenv("VK_DRIVER_FILES", str(icd))
    try:
        return connect("gpu-litert:fp32")
    except DeviceError as error:
        if "no Vulkan" in error.what:
            pytest.skip(f"{error.what} (apt-get install libvulkan1)")
        raise


def test_litert_on_a_software_gpu_computes_what_it_computes_on_the_cpu(software_vulkan, files, image):
    device = software_vulkan
    assert "SwiftShader" in device.facts.title
    assert device.facts.accelerator == "gpu (Vulkan)"
    path, artifact, file = files("tflite")
    here = load_file(path.parent, artifact, file)
    assert np.abs(ran(device, path, artifact, file, image) - here.run(image)).max() < 1e-5
    run = timed(device, path, artifact, file)
    assert len(run.runs_ms) == 7
    assert min(run.runs_ms) > 0
    assert run.fell_back  # a GPU that the CPU emulates is none
    assert run.placed.startswith("all operators on SwiftShader")
    assert run.placed.endswith("(Vulkan), which the CPU emulates")


@pytest.mark.skipif(sys.platform != "linux", reason="Vulkan's drivers are chosen by a variable on Linux")
def test_litert_without_a_gpu_is_refused_and_not_run_on_the_cpu(monkeypatch):
    pytest.importorskip("ai_edge_litert.compiled_model")
    monkeypatch.setenv("VK_DRIVER_FILES", os.devnull)
    monkeypatch.setenv("VK_ICD_FILENAMES", os.devnull)
    with pytest.raises(DeviceError, match=r"^gpu-litert: no GPU: "):
        connect("gpu-litert")


# --- ONNX Runtime ---------------------------------------------------------------------------------------------------


def test_onnxruntime_tells_where_every_node_ran(nvidia, files, image):
    path, artifact, file = files("onnx")
    device = GpuOnnx(provider="CPUExecutionProvider").connect()
    here = load_file(path.parent, artifact, file)
    assert np.abs(ran(device, path, artifact, file, image) - here.run(image)).max() < 1e-5
    run = timed(device, path, artifact, file)
    nodes = run.details["nodes"]
    assert nodes > 3
    assert (run.placed, run.fell_back) == (f"{nodes} of {nodes} nodes on the GPU", False)


def test_a_provider_that_leaves_every_node_to_the_cpu_is_caught(nvidia, files):
    onnxruntime = pytest.importorskip("onnxruntime")
    other = next((name for name in onnxruntime.get_available_providers() if name.startswith("Azure")), None)
    if other is None:
        pytest.skip("this onnxruntime has no second provider")
    path, artifact, file = files("onnx")
    device = GpuOnnx(provider=other).connect()
    device._engine.options["settings"] = {}
    run = timed(device, path, artifact, file)
    assert run.fell_back
    assert run.placed.startswith("0 of ")


def test_an_onnxruntime_without_cuda_says_what_to_install(nvidia, monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(
        DeviceError, match=r"gpu-onnx: onnxruntime .* was built without CUDA .*pip install onnxruntime-gpu"
    ):
        connect("gpu-onnx")


def test_a_file_that_the_cpu_ran_is_not_proved_on_the_gpu(nvidia, files, monkeypatch):
    path, artifact, _ = files("onnx")
    monkeypatch.setattr("edgeir.exporting.prove.on_device.connect", lambda name: device)
    device = GpuOnnx(provider="CPUExecutionProvider").connect()
    runs = prove_files_on("gpu-onnx", path.parent, artifact)
    assert runs[path.name].engine.endswith("CUDA")
    device._engine.options["provider"], device._engine.options["settings"] = "AzureExecutionProvider", {}
    if "AzureExecutionProvider" in pytest.importorskip("onnxruntime").get_available_providers():
        with pytest.raises(
            ArtifactError, match=r"runs 0 of \d+ nodes on the GPU on gpu-onnx: that proves nothing"
        ):
            prove_files_on("gpu-onnx", path.parent, artifact)


# --- PyTorch --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("argument", "error"), [(None, 1e-6), ("fp32", 1e-6), ("fp16", 5e-3)])
def test_a_checkpoint_runs_in_a_process_of_its_own(argument, error, nvidia, checkpoint, image, monkeypatch):
    monkeypatch.setattr(GpuTorch, "place", "cpu")
    device = GpuTorch(argument=argument).connect()
    sent = sent_checkpoint(checkpoint, device.facts.device)
    assert sent.file.precision == (argument or "fp32")
    path = sent.folder / sent.file.path
    expected = Torch().load(str(checkpoint)).run(image)
    got = ran(device, path, sent.artifact, sent.file, image)
    assert np.abs(got - expected).max() < error
    run = timed(device, path, sent.artifact, sent.file)
    assert (run.placed, run.fell_back) == ("all of it on cpu", True)


def test_torch_without_a_gpu_does_not_run_on_the_cpu(nvidia, checkpoint):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is one")
    device = connect("gpu-torch")
    sent = sent_checkpoint(checkpoint, "gpu-torch")
    with pytest.raises(ArtifactError, match=r"torch sees no NVIDIA GPU"):
        device.open(sent.folder / sent.file.path, sent.artifact, sent.file)


def test_a_benchmark_of_a_checkpoint_has_the_quality_that_the_device_computed(
    nvidia, checkpoint, tmp_path, monkeypatch
):
    monkeypatch.setattr(GpuTorch, "place", "cpu")
    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "images" / "a.png")
    suite = tmp_path / "mine.yaml"
    suite.write_text(
        f"name: mine\ntitle: mine\nsets:\n  - {{name: mine, source: {{kind: folder, path: {tmp_path / 'images'}}}}}\n"
        "degradation: {kind: bicubic, scale: 2}\nprotocol: sr\nmetrics: [psnr]\n"
        "timing: {height: 48, width: 64}\n",
        encoding="utf-8",
    )
    with pytest.raises(DeviceError, match=r"fell back: all of it on cpu"):
        bench([checkpoint], suite=suite, devices=["gpu-torch"], repeats=4, out=tmp_path / "no.json")
    path = bench(
        [checkpoint],
        suite=suite,
        devices=["gpu-torch"],
        repeats=4,
        allow_fallback=True,
        out=tmp_path / "it.json",
    )
    here = bench([checkpoint], suite=suite, repeats=4, out=tmp_path / "here.json")
    [row] = [row for row in read_result(path).rows if row.device and row.role == "candidate"]
    [same] = [row for row in read_result(here).rows if row.runtime == "torch" and row.role == "candidate"]
    assert row.quality.sets[0].psnr_db == pytest.approx(same.quality.sets[0].psnr_db, abs=1e-3)
    assert (row.macs, row.parameters, row.file_bytes) == (same.macs, same.parameters, same.file_bytes)
    assert row.latency.repeats == 4


# --- what is said of wrong requests ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gpu-litert:int8", "gpu-torch:tf32"])
def test_another_precision_is_refused(name):
    with pytest.raises(ConfigError, match=r"computes in fp16 or fp32, not (int8|tf32)"):
        connect(name)


def test_a_device_for_checkpoints_takes_no_files():
    with pytest.raises(ConfigError, match=r"gpu-torch runs checkpoints, not tflite files \(name the network"):
        check_runs("gpu-torch", "tflite", "out")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for the driver's tool")
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'NVIDIA H100 80GB HBM3, 550.54.15'", None),
        ("echo 'NVIDIA-SMI has failed.' >&2; exit 9", r"finds no GPU: NVIDIA-SMI has failed"),
        ("echo 'No devices were found'", r"finds no GPU: No devices were found"),
    ],
)  # fmt: skip
def test_what_the_driver_says(script, message, tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    if message is None:
        assert driver.nvidia_gpu("gpu-onnx") == driver.NvidiaGpu("NVIDIA H100 80GB HBM3", "550.54.15")
        return
    with pytest.raises(DeviceError, match=message):
        driver.nvidia_gpu("gpu-onnx")


def test_without_a_driver(monkeypatch):
    monkeypatch.setattr(driver.shutil, "which", lambda name: None)
    with pytest.raises(DeviceError, match=r"no NVIDIA driver here .*gpu-litert runs"):
        driver.nvidia_gpu("gpu-torch")
