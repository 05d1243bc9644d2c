"""Finding TensorFlow Lite's Android library: what is missing is said with the line that fetches it."""

import zipfile

import pytest

from edgeir.core.errors import DeviceError
from edgeir.devices.runner import library
from edgeir.devices.runner.library import LIBRARY_VARIABLE, read_library


def test_a_package_and_a_library_that_the_user_names(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.aar", "w") as package:
        package.writestr("jni/arm64-v8a/libtensorflowlite_jni.so", b"sixty-four")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "a.aar"))
    assert read_library("arm64-v8a") == (b"sixty-four", tmp_path / "a.aar")
    with pytest.raises(DeviceError, match=r"a\.aar: has no jni/armeabi-v7a/libtensorflowlite_jni\.so"):
        read_library("armeabi-v7a")
    (tmp_path / "b.so").write_bytes(b"plain")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "b.so"))
    assert read_library("armeabi-v7a") == (b"plain", tmp_path / "b.so")


def test_what_is_missing_or_damaged_is_said_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    monkeypatch.setattr(library, "_repository", lambda: tmp_path)
    with pytest.raises(
        DeviceError, match=r"Android library is not here \(mvn dependency:get .*:2\.16\.1:aar"
    ):
        read_library("arm64-v8a")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "none.aar"))
    with pytest.raises(DeviceError, match=r"none\.aar: EDGEIR_TFLITE names no file"):
        read_library("arm64-v8a")
    (tmp_path / "c.aar").write_bytes(b"no zip")
    monkeypatch.setenv(LIBRARY_VARIABLE, str(tmp_path / "c.aar"))
    with pytest.raises(DeviceError, match="is no Android package"):
        read_library("arm64-v8a")
