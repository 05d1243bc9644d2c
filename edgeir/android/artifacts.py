"""What an app is built with and comes from Maven Central: the one table of names and versions, and how it is fetched.

Maven keeps what it fetched in ``~/.m2/repository``; it is asked only for what is not there. These versions were built
with; the framework and ``aapt2`` must fit each other (Debian's cannot read the framework's resources).

``python -m edgeir.android.artifacts`` (``make android-setup``) fetches all of it.
"""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from edgeir.android.tools import maven, run
from edgeir.core.errors import DeviceError, EdgeIRError, ExportError
from edgeir.core.progress import Progress, no_progress
from edgeir.devices.runner.library import VERSION as TFLITE_VERSION

__all__ = [
    "ARTIFACTS",
    "FRAMEWORK",
    "MIN_SDK",
    "PACKER",
    "R8",
    "TARGET_SDK",
    "TFLITE",
    "TFLITE_API",
    "Artifact",
]

MIN_SDK, TARGET_SDK = 24, 35
"""Android 7.0, and Android 15, whose framework the app is compiled against."""
GET = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"


@dataclass(frozen=True)
class Artifact:
    """A file of Maven Central.

    Attributes:
        group, name, version, packaging: its coordinates.
        title: what it is, for messages.
    """

    group: str
    name: str
    version: str
    packaging: str
    title: str

    @property
    def coordinates(self) -> str:
        """As Maven writes them."""
        return f"{self.group}:{self.name}:{self.version}:{self.packaging}"

    @property
    def path(self) -> Path:
        """Where Maven keeps it."""
        folder = repository() / Path(*self.group.split("."), self.name, self.version)
        return folder / f"{self.name}-{self.version}.{self.packaging}"

    def fetched(self, progress: Progress = no_progress) -> Path:
        """The file, fetched by Maven where it is not here.

        Raises:
            DeviceError: Maven is not installed, or cannot fetch it; the message has the line to try.
        """
        if not self.path.is_file():
            line = ["-B", "-q", GET, f"-Dartifact={self.coordinates}", "-Dtransitive=false"]
            program = maven()
            progress(0, 1, f"fetching {self.title} ({self.coordinates})")
            try:
                run([program, *line, f"-Dmaven.repo.local={repository()}"], f"fetching {self.coordinates}")
            except ExportError as error:
                raise DeviceError(
                    f"Maven cannot fetch {self.title}: {error.what}",
                    fix=f"try it alone: mvn {' '.join(line[2:])}",
                ) from error
            if not self.path.is_file():
                raise DeviceError(f"Maven fetched {self.title}, and it is not there", where=self.path)
        return self.path


TFLITE = Artifact("org.tensorflow", "tensorflow-lite", TFLITE_VERSION, "aar", "TensorFlow Lite")
TFLITE_API = Artifact(
    "org.tensorflow", "tensorflow-lite-api", TFLITE_VERSION, "aar", "TensorFlow Lite's Java interface"
)
FRAMEWORK = Artifact(
    "org.robolectric", "android-all", "15-robolectric-13954326", "jar", "Android 15's framework, 186 MB"
)
PACKER = Artifact("org.apktool", "apktool-lib", "2.12.1", "jar", "aapt2, in apktool's library")
R8 = Artifact("com.android.tools", "r8", "8.13.19", "jar", "D8, Android's compiler of classes")
ARTIFACTS = (TFLITE, TFLITE_API, FRAMEWORK, PACKER, R8)
_AAPT2 = {
    ("Linux", "x86_64"): "prebuilt/linux/aapt2_64",
    ("Darwin", "x86_64"): "prebuilt/macosx/aapt2_64",
    ("Darwin", "arm64"): "prebuilt/macosx/aapt2_64",
    ("Windows", "AMD64"): "prebuilt/windows/aapt2_64.exe",
}


def repository() -> Path:
    """The folder in which Maven keeps files."""
    return Path.home() / ".m2" / "repository"


def aapt2_member() -> str:
    """The member of `PACKER` that is aapt2 for this system.

    Raises:
        DeviceError: it has none.
    """
    system = (platform.system(), platform.machine())
    if system not in _AAPT2:
        raise DeviceError(
            f"aapt2, which packs an app's resources, does not exist for {sys.platform} on {system[1]}",
            fix="package the app on Linux (x86-64), macOS or Windows; --project needs no aapt2",
        )
    return _AAPT2[system]


def _main() -> int:
    """Fetch everything."""
    try:
        for artifact in ARTIFACTS:
            sys.stdout.write(f"{artifact.fetched()}\n")
    except EdgeIRError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
