"""The programs that an app is built with: found, run, and named with the line that installs them when they are missing.

A JDK (``javac``, ``java``, ``keytool``) is looked for in ``$JAVA_HOME`` and on the path, ``apksigner`` on the path and
in the Android SDK of ``$ANDROID_HOME``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgeir.core.errors import DeviceError, ExportError

__all__ = ["JDK_LINE", "apksigner", "java_home", "jdk_program", "maven", "run"]

JDK_LINE = "apt-get install openjdk-17-jdk-headless, or adoptium.net; JAVA_HOME may name its folder"
RUNTIME_LINE = "apt-get install openjdk-17-jre-headless, or adoptium.net; JAVA_HOME may name its folder"
MAVEN_LINE = "apt-get install maven"
APKSIGNER_LINE = "apt-get install apksigner, or set ANDROID_HOME to an Android SDK with build-tools"
OLDEST_JAVA = 17
"""The oldest with which the app was built."""
LIMIT_S = 600
ENGLISH = {"LC_ALL": "C"}
"""What programs say is searched for English words."""


def jdk_program(name: str) -> Path:
    """``java`` or ``keytool`` of a Java runtime, or ``javac`` of a JDK.

    Raises:
        DeviceError: it is not installed, or `name` is ``javac`` and the JDK is too old.
    """
    home = os.environ.get("JAVA_HOME")
    beside = shutil.which(name, path=str(Path(home) / "bin")) if home else None
    found = beside or shutil.which(name)
    if found is None:
        what = "is compiled" if name == "javac" else "is signed"
        raise DeviceError(
            f"`{name}` is not installed, with which an Android app {what}",
            fix=JDK_LINE if name == "javac" else RUNTIME_LINE,
        )
    path = Path(found)
    if name == "javac":
        _refuse_old(path)
    return path


def java_home(program: Path) -> Path:
    """The folder of the JDK that a program belongs to."""
    return program.resolve().parent.parent


def maven() -> Path:
    """The program ``mvn``.

    Raises:
        DeviceError: it is not installed.
    """
    found = shutil.which("mvn")
    if found is None:
        raise DeviceError(
            "Maven is not installed, which fetches what an Android app is built with", fix=MAVEN_LINE
        )
    return Path(found)


def apksigner() -> Path:
    """The program ``apksigner``; of an Android SDK the newest.

    Raises:
        DeviceError: it is not installed.
    """
    found = shutil.which("apksigner")
    if found is not None:
        return Path(found)
    for variable in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        if folder := os.environ.get(variable):
            there = sorted(Path(folder).glob("build-tools/*/apksigner*"), key=_version)
            if there := [path for path in there if path.suffix in ("", ".bat")]:
                return there[-1]
    raise DeviceError("`apksigner` is not installed, which signs Android apps", fix=APKSIGNER_LINE)


def run(words: Sequence[object], what: str, *, secrets: Mapping[str, str] | None = None) -> str:
    """Run a program and return what it printed on both streams.

    Args:
        words: program and arguments, texts and paths.
        what: it does, for the message: ``compiling the app``.
        secrets: environment variables for it, such as passwords.

    Raises:
        ExportError: it cannot be started, takes too long or fails; the message has its own first words.
    """
    command = [str(word) for word in words]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **ENGLISH, **(secrets or {})},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExportError(f"{what} failed: {Path(command[0]).name} cannot be run: {error}") from error
    said = f"{done.stdout}\n{done.stderr}"
    if done.returncode:
        raise ExportError(f"{what} failed: {first_error(said)}")
    return said


def first_error(said: str) -> str:
    """The first line of a program's output that speaks of an error, or else its last line."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berror\b|exception|\[ERROR\]", line, re.IGNORECASE)]
    return (errors or lines[-1:] or ["it gave no message"])[0][:300]


def _refuse_old(javac: Path) -> None:
    said = run([javac, "-version"], "asking javac for its version")
    found = re.search(r"javac (?:1\.)?(\d+)", said)
    if found is not None and int(found[1]) < OLDEST_JAVA:
        raise DeviceError(
            f"the JDK is version {found[1]}, at least {OLDEST_JAVA} is needed", where=javac, fix=JDK_LINE
        )


def _version(path: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", path.parent.name)]
