"""The emulated phone computes what LiteRT computes here, bit for bit in integers; faults are told in one line."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")

from edgeir.cli.app import main
from edgeir.core.assets import find_zoo
from edgeir.core.errors import ArtifactError, ConfigError, DeviceError
from edgeir.core.progress import no_progress
from edgeir.devices.arm64.emulator import Emulator
from edgeir.devices.catalog import connect
from edgeir.devices.runner.library import LIBRARY_VARIABLE
from edgeir.manifest.artifact import read_artifact
from edgeir.runtime.loading import load_file

pytestmark = pytest.mark.arm64

ROOT = Path(__file__).resolve().parents[3]
CORES = ("android-arm64:a53", "android-arm64:a76", "android-arm64:max", "android-armv7")
PUBLISHED = {"android-arm64:a53": 7388, "android-arm64:a76": 2619}
"""Instructions per input pixel of the network 16x6 with rank 16 and a 1x1 residual in int8, as counted by hand with
another program on another input."""
NEAR = 1e-6
"""Of floats: another order of summation."""


@pytest.fixture(scope="module")
def packaged():
    """The int8 file of the smaller network that comes with edgeir, and an image."""
    artifact, folder = read_artifact(find_zoo("sr-x4-xs") / "litert")
    height, width = artifact.main.size
    image = np.random.default_rng(0).random((height, width, 3), dtype=np.float32)
    return artifact, folder, image


def here(folder, artifact, image):
    session = load_file(folder, artifact, artifact.main)
    try:
        return session.run(image)
    finally:
        session.close()


def there(device, folder, artifact, image, *, threads=1):
    session = device.open(folder / artifact.main.path, artifact, artifact.main, threads=threads)
    try:
        assert (
            session.placed
            == f"{session.placed.split()[0]} of {session.placed.split()[0]} operators in XNNPACK"
        )
        return session.run(image)
    finally:
        session.close()


SLOW_CORES = [
    pytest.param(name, marks=pytest.mark.slow) if name.endswith(("a53", "armv7")) else name for name in CORES
]


@pytest.mark.parametrize("name", SLOW_CORES)
def test_an_int8_file_is_equal_bit_for_bit(connected, packaged, name):
    artifact, folder, image = packaged
    device = connected(name)
    assert device.facts.emulated
    assert there(device, folder, artifact, image).tobytes() == here(folder, artifact, image).tobytes()


def test_several_threads_make_the_same_and_the_32_bit_phone_has_one(connected, packaged):
    artifact, folder, image = packaged
    device = connected("android-arm64")
    assert device.facts.device == "android-arm64:a76"
    assert (
        there(device, folder, artifact, image, threads=3).tobytes() == here(folder, artifact, image).tobytes()
    )
    with pytest.raises(ConfigError, match=r"android-armv7: runs with 1 to 1 threads, not 2"):
        connected("android-armv7").open(folder / artifact.main.path, artifact, artifact.main, threads=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_those_that_were_published_and_the_same_each_time(connected, packaged, name):
    artifact, folder, image = packaged
    runs = []
    for _ in range(2):
        run = connected(name).time(
            folder / artifact.main.path, artifact, artifact.main, size=image.shape[:2], progress=no_progress
        )
        runs.append(run)
    assert runs[0] == runs[1]
    assert runs[0].runs_ms == ()
    counts = dict(runs[0].instructions)
    total = counts.pop("total")
    assert sum(counts.values()) == total
    assert total / image[..., 0].size == pytest.approx(PUBLISHED[name], abs=1)
    used, idle = (
        ("widening_multiply", "dot_product") if name.endswith("a53") else ("dot_product", "widening_multiply")
    )
    macs_at_once = 8 if name.endswith("a53") else 16
    assert counts[idle] == 0
    assert counts[used] >= artifact.main.macs / macs_at_once


def test_a_small_file_has_the_work_that_the_benchmark_recorded(connected, packaged):
    """The budget of benchmarks/instruction-budget.json holds for the file that comes with edgeir, counted now."""
    artifact, folder, image = packaged
    name = "android-arm64:a76"
    run = connected(name).time(
        folder / artifact.main.path, artifact, artifact.main, size=image.shape[:2], progress=no_progress
    )
    budget = json.loads((ROOT / "benchmarks" / "instruction-budget.json").read_text(encoding="utf-8"))
    allowed = budget[f"sr-x4-xs/packaged int8/{name}"]
    assert run.instructions["total"] / image[..., 0].size <= allowed
    assert run.placed == "14 of 14 operators in XNNPACK"


def test_a_qemu_that_dropped_the_interface_is_named(connected, packaged, monkeypatch):
    artifact, folder, image = packaged
    device = connected("android-arm64")
    monkeypatch.setattr(Emulator, "version", lambda self: "10.1.0")
    with pytest.raises(DeviceError, match=r"counted with qemu 7 or 8, not 10\.1\.0"):
        device.time(
            folder / artifact.main.path, artifact, artifact.main, size=image.shape[:2], progress=no_progress
        )


def test_damaged_files_are_errors_of_one_line(connected, packaged, tmp_path):
    artifact, folder, _ = packaged
    content = bytearray((folder / artifact.main.path).read_bytes())
    device = connected("android-arm64")
    for number, damaged in enumerate(
        (content[: len(content) // 2], b"TFL3" * 100, content[:4] + b"TFL3" + bytes(500))
    ):
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(bytes(damaged))
        with pytest.raises(ArtifactError) as caught:
            device.open(path, artifact, artifact.main)
        assert str(path) in str(caught.value)
    other = artifact.main.model_copy(
        update={"inputs": (artifact.main.inputs[0].model_copy(update={"shape": (1, 64, 64, 3)}),)}
    )
    with pytest.raises(ArtifactError, match="the manifest"):
        device.open(folder / artifact.main.path, artifact, other)


def test_what_is_missing_is_said_with_the_line_that_installs_it(monkeypatch, tmp_path, connected):
    connected("android-arm64")
    with pytest.raises(ConfigError, match=r"there is no core `a99` \(cores: a53, a76, max\)"):
        connect("android-arm64:a99")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(DeviceError, match=r"mvn dependency:get"):
        connect("android-arm64")
    monkeypatch.delenv(LIBRARY_VARIABLE)
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"`qemu-aarch64` is not installed \(apt-get install qemu-user\)"):
        connect("android-arm64")
    (tmp_path / "qemu-aarch64").write_text("#!/bin/sh\n")
    (tmp_path / "qemu-aarch64").chmod(0o755)
    with pytest.raises(
        DeviceError, match=r"`aarch64-linux-gnu-gcc` is not installed \(apt-get install gcc-aarch64-linux-gnu"
    ):
        connect("android-arm64")


@pytest.mark.slow
@pytest.mark.parametrize("network", ["sr-x4-xs", "sr-x4"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_every_precision_of_the_zoo_through_proof_and_export(connected, network, precision, tmp_path, capsys):
    """The export proves the file on one core, `edgeir prove` on all; the manifest keeps the runs."""
    for name in CORES:
        connected(name)
    out = tmp_path / "a"
    words = ["export", network, "--target", "tflite", "--precision", precision, "--size", "48x64", "-q"]
    assert main([*words, "--no-worst-image", "--prove-on", CORES[0], "--out", str(out)]) == 0
    artifact, _ = read_artifact(out)
    assert len(artifact.main.native_runs) == 1
    assert main(["prove", str(out), "-q", *(word for name in CORES for word in ("--on", name))]) == 0
    artifact, _ = read_artifact(out)
    runs = artifact.main.native_runs
    assert len({(run.engine, run.system) for run in runs}) == len(runs) == len(CORES)
    assert all(run.drift <= (0 if precision == "int8" else NEAR) for run in runs)
    image = np.random.default_rng(1).random((48, 64, 3), dtype=np.float32)
    made = there(connected("android-arm64:max"), out, artifact, image)
    assert np.abs(made - here(out, artifact, image)).max() <= (0 if precision == "int8" else NEAR)
