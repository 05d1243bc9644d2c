"""Programs that are missing, too old or that fail: one sentence, with the line that helps."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from edgeir.android.artifacts import ARTIFACTS, FRAMEWORK, Artifact, aapt2_member
from edgeir.android.tools import apksigner, first_error, jdk_program, maven, run
from edgeir.core.errors import DeviceError, ExportError

ROOT = Path(__file__).resolve().parents[2]


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("find", "name", "line"),
    [
        (lambda: jdk_program("javac"), "`javac`", "apt-get install openjdk-17-jdk-headless"),
        (lambda: jdk_program("java"), "`java`", "apt-get install openjdk-17-jre-headless"),
        (lambda: jdk_program("keytool"), "`keytool`", "apt-get install openjdk-17-jre-headless"),
        (maven, "Maven", "apt-get install maven"),
        (apksigner, "`apksigner`", "apt-get install apksigner"),
    ],
)
def test_a_missing_program_is_named_with_its_line(
    find, name: str, line: str, nothing_installed: Path
) -> None:
    with pytest.raises(DeviceError) as found:
        find()
    assert name in found.value.what
    assert line in str(found.value.fix)


@pytest.mark.skipif(sys.platform == "win32", reason="scripts")
def test_the_newest_apksigner_of_an_android_sdk(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk = nothing_installed.parent / "sdk"
    for version in ("9.0.0", "35.0.1", "34.0.0"):
        script(sdk / "build-tools" / version / "apksigner", "")
    monkeypatch.setenv("ANDROID_HOME", str(sdk))
    assert apksigner() == sdk / "build-tools/35.0.1/apksigner"


@pytest.mark.skipif(sys.platform == "win32", reason="scripts")
def test_an_old_jdk_is_refused(nothing_installed: Path) -> None:
    script(nothing_installed / "javac", "print('javac 1.8.0_392')")
    with pytest.raises(DeviceError, match="the JDK is version 8, at least 17 is needed"):
        jdk_program("javac")


@pytest.mark.skipif(sys.platform == "win32", reason="scripts")
def test_a_part_that_cannot_be_fetched_is_named(nothing_installed: Path) -> None:
    wrong = "[ERROR] Could not find artifact org.robolectric:android-all:jar:15 in central"
    script(nothing_installed / "mvn", f"import sys; print({wrong!r}); sys.exit(1)")
    with pytest.raises(DeviceError) as found:
        FRAMEWORK.fetched()
    assert "Maven cannot fetch Android 15's framework" in str(found.value)
    assert "Could not find artifact org.robolectric:android-all" in str(found.value)
    assert (
        f"mvn org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get -Dartifact={FRAMEWORK.coordinates}"
        in str(found.value)
    )


@pytest.mark.skipif(sys.platform == "win32", reason="scripts")
def test_maven_is_asked_only_for_what_is_not_here(nothing_installed: Path) -> None:
    artifact = Artifact("a.b", "c", "1", "jar", "something")
    with pytest.raises(DeviceError, match="Maven is not installed"):
        artifact.fetched()
    artifact.path.parent.mkdir(parents=True)
    artifact.path.write_bytes(b"x")
    assert artifact.fetched() == nothing_installed.parent / ".m2/repository/a/b/c/1/c-1.jar"


def test_a_system_without_aapt2_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(DeviceError, match="aapt2.*does not exist for .* on riscv64"):
        aapt2_member()


def test_the_first_error_of_a_program_is_told() -> None:
    assert first_error("working\nA.java:3: error: cannot find symbol\n1 error\n") == (
        "A.java:3: error: cannot find symbol"
    )
    assert first_error("one\ntwo\n\n") == "two"
    assert first_error("") == "it gave no message"
    with pytest.raises(ExportError, match="asking failed: boom"):
        run([sys.executable, "-c", "import sys; sys.exit('boom')"], "asking")
    with pytest.raises(ExportError, match="asking failed: none cannot be run"):
        run(["/nowhere/none"], "asking")


def test_the_versions_are_those_that_the_app_is_tested_with() -> None:
    """Maven's files and this table must not drift apart."""
    poms = "".join(
        (ROOT / "export/android" / path).read_text(encoding="utf-8") for path in ("pom.xml", "app/pom.xml")
    )
    versions = {artifact.name: artifact.version for artifact in ARTIFACTS}
    for name, key in (("tensorflow-lite", "tflite"), ("android-all", "android"), ("apktool-lib", "apktool")):
        (stated,) = re.findall(rf"<{key}\.version>([^<]+)<", poms)
        assert stated == versions[name]
    for artifact in ARTIFACTS:
        assert artifact.coordinates.count(":") == 3
