"""A phone that is a folder here behind a program called adb, and a model file with a golden input for it."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgeir.core.assets import find_zoo
from edgeir.devices.phone import device as device_module
from edgeir.devices.phone.kit import Kit
from edgeir.manifest.artifact import read_artifact

HERE = Path(__file__).resolve().parent
PROPERTIES = {
    "ro.product.manufacturer": "Acme",
    "ro.product.model": "Phone 9",
    "ro.product.cpu.abi": "arm64-v8a",
    "ro.build.version.release": "15",
    "ro.build.version.sdk": "35",
    "ro.soc.manufacturer": "Acme",
    "ro.soc.model": "SoC 1",
}


def program(path, *words):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {" ".join(words)} "$@"\n')
    path.chmod(0o755)
    return path


class FakePhone:
    """What a test changes and looks at."""

    def __init__(self, folder):
        self.folder, self.parent = folder, folder / "phone"
        self.parent.mkdir(parents=True)
        self.set(devices={"SN1": "device"})
        self.properties(**PROPERTIES)

    def set(self, **values):
        path = self.folder / "state.json"
        before = json.loads(path.read_text()) if path.is_file() else {}
        temporary = self.folder / "state-test"
        temporary.write_text(json.dumps({**before, **values}))
        os.replace(temporary, path)

    def properties(self, **values):
        text = "".join(f"[{name}]: [{value}]\n" for name, value in values.items())
        (self.folder / "getprop.txt").write_text(text)

    def commands(self, word):
        lines = (self.folder / "log").read_text().splitlines()
        return [line for line in map(json.loads, lines) if any(word in entry for entry in line)]

    def left(self):
        return sorted(path.name for path in self.parent.iterdir())

    def is_clean(self, seconds=10):
        """Nothing is left, at the latest after so many seconds."""
        end = time.monotonic() + seconds
        while self.left() and time.monotonic() < end:
            time.sleep(0.05)
        return not self.left()


@pytest.fixture
def phone(tmp_path, monkeypatch):
    if not Path("/proc/self/cmdline").is_file():
        pytest.skip("a phone's shell and its /proc are this machine's here: Linux only")
    folder = tmp_path / "adb"
    fake = FakePhone(folder)
    program(folder / "bin" / "adb", sys.executable, "-S", str(HERE / "fake_adb.py"))
    program(folder / "bin" / "getprop", "cat", str(folder / "getprop.txt"))
    linker = program(folder / "made" / "linker", sys.executable, "-S", str(HERE / "fake_runner.py"))
    library = folder / "made" / "library.so"
    library.write_bytes(b"a library")
    kit = Kit({"runner": library, "library.so": library, "linker": linker}, "linker", library)
    monkeypatch.setattr(device_module, "build_kit", lambda abi: kit)
    monkeypatch.setenv("FAKE_ADB", str(folder))
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return fake


@pytest.fixture
def model(phone, tmp_path):
    """An artifact whose golden output is what the fake runner answers; what the runner says of it."""
    folder = tmp_path / "model"
    shutil.copytree(find_zoo("sr-x4-xs") / "litert", folder)
    manifest = json.loads((folder / "artifact.json").read_text())
    artifact, _ = read_artifact(folder)
    entry, exit_ = artifact.main.inputs[0], artifact.main.outputs[0]

    def described(spec):
        shape = [int(side) for side in spec.shape]
        return {
            "type": spec.dtype, "shape": shape, "bytes": int(np.prod(shape)) * np.dtype(spec.dtype).itemsize,
            "scale": spec.quant_scale or 0.0, "zero_point": spec.zero_point or 0,
        }  # fmt: skip

    (folder / "golden").mkdir()
    np.save(folder / "golden" / "input.npy", np.zeros(entry.shape, entry.dtype))
    np.save(folder / "golden" / "output.npy", np.zeros(exit_.shape, exit_.dtype))
    np.save(folder / "golden" / "expected.npy", np.full(exit_.shape, 0.01, np.float32))
    manifest["files"][0]["golden"] = {
        "input": "golden/input.npy", "output": "golden/output.npy", "expected": "golden/expected.npy",
        "max_abs_error": 0.1, "p99_abs_error": 0.05,
    }  # fmt: skip
    (folder / "artifact.json").write_text(json.dumps(manifest))
    said = {
        "version": "2.16.1", "operators": 14, "left": 0, "partitions": 1, "seconds": 0,
        "inputs": [described(entry)], "outputs": [described(exit_)],
    }  # fmt: skip
    (phone.folder / "model.json").write_text(json.dumps(said))
    return folder


@pytest.fixture
def slow(phone, model):
    """Every run takes a second more: time for something to happen."""
    path = phone.folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seconds": 1}))
