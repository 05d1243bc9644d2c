"""A browser as a device of `edgeir bench`: its own output, its own clock."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgeir.core.errors import ArtifactError, ConfigError, DeviceError
from edgeir.core.progress import no_progress
from edgeir.devices.browser import chromium as chromium_module
from edgeir.devices.browser.bridge import Bridge
from edgeir.devices.browser.chromium import chromium_path
from edgeir.devices.browser.device import BrowserDevice
from edgeir.devices.catalog import connect
from edgeir.exporting.prove.golden import golden_problem, run_golden
from edgeir.manifest.artifact import Artifact, read_artifact

SIZE = (48, 40)


@pytest.fixture(scope="module")
def device(page_folder: Path, chromium: Path) -> Iterator[BrowserDevice]:
    connected = connect("browser:wasm")
    assert isinstance(connected, BrowserDevice)
    yield connected
    connected.close()


@pytest.fixture
def artifact(fixed: Path) -> Artifact:
    return read_artifact(fixed)[0]


@pytest.mark.browser
def test_it_says_what_it_is(device: BrowserDevice) -> None:
    facts = device.facts
    assert facts.device == "browser:wasm"
    assert re.fullmatch(r"Chromium \d+\.\d+\.\d+\.\d+", facts.title)
    assert facts.accelerator == "cpu (WebAssembly)"
    assert facts.details["shared_memory"] is True


@pytest.mark.browser
@pytest.mark.parametrize("index", [0, 1])
def test_the_golden_image_goes_through_the_browser(
    index: int, device: BrowserDevice, fixed: Path, artifact: Artifact
) -> None:
    file = artifact.files[index]
    assert file.golden is not None
    session = device.open(fixed / file.path, artifact, file)
    proof = run_golden(fixed, artifact, file, file.golden, session=session, engine="browser")
    assert golden_problem(proof, file.golden) is None
    assert proof.max_abs_error < 1e-5
    session.close()


@pytest.mark.browser
def test_it_is_timed_by_its_own_clock(device: BrowserDevice, fixed: Path, artifact: Artifact) -> None:
    file = artifact.files[0]
    run = device.time(fixed / file.path, artifact, file, size=SIZE, runs=7, progress=no_progress)
    assert len(run.runs_ms) == 8  # the first one is counted apart
    assert run.placed == "all operators on the CPU (XNNPACK)"
    assert not run.fell_back
    assert run.details["threads"] == 1
    assert run.peak_mib is not None
    assert run.peak_mib > 50


@pytest.mark.browser
def test_a_file_of_any_size(device: BrowserDevice, flexible: Path) -> None:
    artifact, folder = read_artifact(flexible)
    session = device.open(folder / artifact.main.path, artifact, artifact.main)
    for height, width in ((9, 17), (30, 8)):
        output = session.run(np.full((height, width, 3), 0.5, np.float32))
        assert output.shape == (2 * height, 2 * width, 3)
    session.close()


@pytest.mark.browser
def test_a_damaged_file_is_an_error_and_the_device_goes_on(
    device: BrowserDevice, fixed: Path, artifact: Artifact, tmp_path: Path
) -> None:
    file = artifact.files[0]
    (tmp_path / "bad.tflite").write_bytes((fixed / file.path).read_bytes()[:200])
    with pytest.raises(ArtifactError, match=r"bad\.tflite: the browser cannot run it: "):
        device.open(tmp_path / "bad.tflite", artifact, file)
    device.open(fixed / file.path, artifact, file).close()


@pytest.mark.browser
def test_webgpu_on_the_cpu_says_that_it_fell_back(
    page_folder: Path, chromium: Path, fixed: Path, artifact: Artifact
) -> None:
    gpu = connect("browser:webgpu")
    try:
        file = artifact.files[0]
        run = gpu.time(fixed / file.path, artifact, file, size=SIZE, runs=2, progress=no_progress)
        if "swiftshader" not in str(gpu.facts.details.get("gpu", "")):
            pytest.skip("this machine has a GPU")
        assert run.fell_back
        assert "SwiftShader" in (run.placed or "")
        assert file.golden is not None
        session = gpu.open(fixed / file.path, artifact, file)
        proof = run_golden(fixed, artifact, file, file.golden, session=session, engine="browser")
        assert proof.max_abs_error < 1e-4
    finally:
        gpu.close()


@pytest.mark.browser
def test_nothing_is_left_behind(page_folder: Path, chromium: Path) -> None:
    connected = connect("browser:wasm")
    assert isinstance(connected, BrowserDevice)
    browser = connected._chromium
    assert browser is not None
    profile = Path(browser._profile.name)
    assert profile.is_dir()
    connected.close()
    assert not browser.running
    assert not profile.exists()
    with pytest.raises(DeviceError, match="the browser is closed"):
        connected.run_tensor(np.zeros(3, np.float32), (1, 1), Path("x"))


@pytest.mark.browser
def test_a_browser_that_is_killed_is_a_device_error(
    page_folder: Path, chromium: Path, fixed: Path, artifact: Artifact
) -> None:
    connected = connect("browser:wasm")
    assert isinstance(connected, BrowserDevice)
    assert connected._chromium is not None
    connected._chromium._process.kill()
    try:
        with pytest.raises(DeviceError, match="the browser ended"):
            connected.open(fixed / artifact.files[0].path, artifact, artifact.files[0])
    finally:
        connected.close()


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"a browser has no engine `webnn` \(browser, browser:wasm"):
        connect("browser:webnn")


def test_no_browser_says_how_to_install_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGEIR_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(DeviceError, match=r"there is no such browser \(apt install chromium"):
        chromium_path()
    monkeypatch.delenv("EDGEIR_CHROMIUM")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(chromium_module, "_ELSEWHERE", ())
    with pytest.raises(DeviceError, match=r"there is no Chromium here"):
        chromium_path()


def test_a_page_that_never_answers_is_an_error() -> None:
    bridge = Bridge()
    with pytest.raises(DeviceError, match="describe: the browser did not answer within 1 s"):
        bridge.ask({"op": "describe"}, alive=lambda: True, timeout_s=1)
    with pytest.raises(DeviceError, match="the browser ended"):
        bridge.ask({"op": "describe"}, alive=lambda: False, timeout_s=5)
