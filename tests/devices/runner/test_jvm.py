"""Android's library for a JVM: both files are written, and the one for glibc resolves all that the other lacks."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from edgeir.core.errors import DeviceError
from edgeir.devices.runner import jvm
from edgeir.devices.runner.jvm import PRELOADED, write_jvm
from edgeir.devices.runner.library import LIBRARY_VARIABLE, NAME


def test_another_machine_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(jvm.platform, "machine", lambda: "aarch64")
    with pytest.raises(DeviceError, match="Linux on x86-64 only"):
        write_jvm(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_the_library_nothing_is_written_and_the_remedy_is_said(tmp_path, monkeypatch):
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("Linux on x86-64 only")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "none.aar"))
    with pytest.raises(DeviceError, match="names no file"):
        write_jvm(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.arm64
def test_the_library_loads_behind_what_is_preloaded(tmp_path):
    try:
        write_jvm(tmp_path)
    except DeviceError as error:
        pytest.skip(str(error))
    code = f"import ctypes, os; ctypes.CDLL({str(tmp_path / NAME)!r}, os.RTLD_NOW)"
    environment = {**os.environ, "LD_PRELOAD": str(tmp_path / PRELOADED)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with pytest.raises(OSError, match="undefined symbol"):
        ctypes.CDLL(str(tmp_path / NAME), os.RTLD_NOW)
