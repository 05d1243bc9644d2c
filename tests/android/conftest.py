"""A small bundle, and the app's tools: a test that needs one that is missing is skipped, with the line that helps."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgeir.android.artifacts import ARTIFACTS
from edgeir.android.template import Template, template
from edgeir.android.tools import apksigner, jdk_program
from edgeir.core.archive import unpack_zip
from edgeir.core.errors import DeviceError


@pytest.fixture(scope="session")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of a few weights as a bundle, in ONNX and LiteRT."""
    pytest.importorskip("litert_torch")
    from edgeir.checkpoint.save import save_checkpoint
    from edgeir.exporting.bundle.export import export_bundle
    from edgeir.models import PlainSRConfig

    network = PlainSRConfig(channels=4, blocks=0, branches=()).build().eval()
    folder = tmp_path_factory.mktemp("run") / "tiny"
    save_checkpoint(folder, network, network.state_dict(), name="tiny", metrics={}, provenance={})
    licence = folder / "licence.txt"
    licence.write_text("For tests only\n", encoding="utf-8")
    out = folder.parent / "app.zip"
    export_bundle(folder, targets=["onnx", "tflite"], sizes=[(12, 10)], licence=licence, out=out)
    return out


@pytest.fixture
def bundle_folder(zipped: Path, tmp_path: Path) -> Path:
    """The same, unpacked, to be changed."""
    into = tmp_path / "tiny bundle"
    into.mkdir()
    unpack_zip(zipped, into)
    return into


@pytest.fixture(scope="session")
def built() -> Template:
    """The app, compiled once for all tests; nothing is downloaded."""
    if missing := [artifact.coordinates for artifact in ARTIFACTS if not artifact.path.is_file()]:
        pytest.skip(f"not in Maven's folder: {', '.join(missing)} (make android-setup)")
    try:
        for program in ("javac", "java", "keytool"):
            jdk_program(program)
        apksigner()
    except DeviceError as error:
        pytest.skip(str(error))
    return template()


@pytest.fixture(scope="session")
def keytool() -> Path:
    try:
        return jdk_program("keytool")
    except DeviceError as error:
        pytest.skip(str(error))


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any program, and with an empty home; its path."""
    for name in ("JAVA_HOME", "ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv("EDGEIR_CACHE", str(tmp_path / "cache"))
    assert shutil.which("java") is None
    return programs
