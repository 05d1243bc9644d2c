"""What an app is built with, out of `artifacts`, and kept in the cache folder: aapt2, the framework, the libraries.

The framework's package is 186 MB; linking needs only its table of resources and its manifest.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from edgeir.android.artifacts import ARTIFACTS, FRAMEWORK, PACKER, TFLITE, Artifact, aapt2_member
from edgeir.android.names import ABIS
from edgeir.core.cache import cache_root
from edgeir.core.errors import DeviceError
from edgeir.core.files import atomic_dir, exclusive, settle_dir
from edgeir.core.progress import Progress, no_progress
from edgeir.devices.runner.library import NAME as LIBRARY_NAME

__all__ = ["ROOT", "Base", "base", "members_of"]

ROOT = "android"
"""Folder of the cache."""
FRAMEWORK_PARTS = ("AndroidManifest.xml", "resources.arsc")
LICENCE = "LICENSE"


@dataclass(frozen=True)
class Base:
    """A folder of the cache, made of what Maven fetched."""

    folder: Path

    @property
    def aapt2(self) -> Path:
        """The program that compiles and links resources."""
        return self.folder / Path(aapt2_member()).name

    @property
    def framework(self) -> Path:
        """What resources are linked against."""
        return self.folder / "framework.apk"

    @property
    def licence(self) -> Path:
        """TensorFlow Lite's."""
        return self.folder / LICENCE

    def library(self, abi: str) -> Path:
        """TensorFlow Lite's library for a processor, as it was published."""
        return self.folder / "lib" / abi / LIBRARY_NAME


def base(progress: Progress = no_progress) -> Base:
    """The base in the cache, made where it is not there.

    Raises:
        DeviceError: Maven is missing or cannot fetch a part, or a part is damaged.
    """
    key = hashlib.sha256(repr((ARTIFACTS, aapt2_member(), ABIS)).encode()).hexdigest()[:16]
    folder = cache_root() / ROOT / f"base-{key}"
    settle_dir(folder)
    if not folder.is_dir():
        with exclusive(folder, progress):
            if not folder.is_dir():
                with atomic_dir(folder) as temporary:
                    _make(Base(temporary), progress)
    return Base(folder)


def members_of(artifact: Artifact, names: list[str], progress: Progress = no_progress) -> dict[str, bytes]:
    """Members of a fetched package, which is a zip.

    Raises:
        DeviceError: see `Artifact.fetched`; or it is damaged, or has no such member.
    """
    path = artifact.fetched(progress)
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in names}
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DeviceError(
            f"the package of {artifact.title} is damaged: {error}",
            where=path,
            fix="delete it, to be fetched again",
        ) from error


def _make(made: Base, progress: Progress) -> None:
    libraries = {f"jni/{abi}/{LIBRARY_NAME}": made.library(abi) for abi in ABIS}
    tflite = members_of(TFLITE, [LICENCE, *libraries], progress)
    made.licence.write_bytes(tflite[LICENCE])
    for member, path in libraries.items():
        path.parent.mkdir(parents=True)
        path.write_bytes(tflite[member])
    made.aapt2.write_bytes(members_of(PACKER, [aapt2_member()], progress)[aapt2_member()])
    made.aapt2.chmod(0o755)
    parts = members_of(FRAMEWORK, list(FRAMEWORK_PARTS), progress)
    with zipfile.ZipFile(made.framework, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in FRAMEWORK_PARTS:
            archive.writestr(name, parts[name])
