"""The app without bundles, compiled once and kept in the cache folder: classes by ``javac`` and D8, resources by aapt2.

Its name in the cache is the hash of its sources and of the versions of what it is built with, so that a change of
either makes it anew. Maven and a JDK are needed for that alone.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from edgeir.android.artifacts import ARTIFACTS, FRAMEWORK, MIN_SDK, R8, TFLITE, TFLITE_API
from edgeir.android.base import ROOT, Base, base, members_of
from edgeir.android.manifest import package_of
from edgeir.android.tools import java_home, jdk_program, run
from edgeir.core.assets import android_sources
from edgeir.core.cache import cache_root
from edgeir.core.errors import DeviceError
from edgeir.core.files import atomic_dir, exclusive, scratch_dir, settle_dir
from edgeir.core.progress import Progress, no_progress

__all__ = ["JAVA", "MANIFEST", "RESOURCES", "Template", "source_files", "template"]

JAVA = ("restorer/src/main/java", "tflite/src/main/java", "app/src/main/java")
RESOURCES, MANIFEST = "app/src/main/res", "app/src/main/AndroidManifest.xml"
RECIPE = 1
"""Of this module; a higher one makes all templates anew."""
STEPS = 4


@dataclass(frozen=True)
class Template:
    """A folder of the cache, and what goes with it."""

    folder: Path
    base: Base

    @property
    def classes(self) -> list[Path]:
        """The files ``classes.dex``, ``classes2.dex``, …"""
        return sorted(self.folder.glob("classes*.dex"), key=lambda path: (len(path.name), path.name))

    @property
    def resources(self) -> list[Path]:
        """Compiled resources, one file each."""
        return sorted((self.folder / "res").glob("*.flat"))

    @property
    def manifest(self) -> str:
        """The source of ``AndroidManifest.xml``."""
        return (self.folder / "AndroidManifest.xml").read_text(encoding="utf-8")

    @property
    def ids(self) -> Path:
        """The numbers of the resources that the classes were compiled with."""
        return self.folder / "ids.txt"


def source_files(sources: Path) -> list[Path]:
    """Every file that the app is made of, sorted by its path.

    Raises:
        DeviceError: there are none: an incomplete installation.
    """
    parts = [sources / name for name in (*JAVA, RESOURCES)]
    if not (sources / MANIFEST).is_file() or not all(part.is_dir() for part in parts):
        raise DeviceError("the app's sources are not here", where=sources, fix="install edgeir again")
    files = [path for part in parts for path in part.rglob("*") if path.is_file()]
    return sorted([*files, sources / MANIFEST])


def template(progress: Progress = no_progress) -> Template:
    """The template in the cache, built where it is not there: half a minute, and as long as Maven needs the first time.

    Raises:
        DeviceError: the JDK or Maven is missing, or Maven cannot fetch a part.
        ExportError: the app cannot be compiled.
    """
    sources = android_sources()
    digest = hashlib.sha256(repr((RECIPE, ARTIFACTS, MIN_SDK)).encode())
    for path in source_files(sources):
        digest.update(f"\0{path.relative_to(sources).as_posix()}\0".encode() + path.read_bytes())
    folder = cache_root() / ROOT / f"template-{digest.hexdigest()[:16]}"
    parts = base(progress)
    settle_dir(folder)
    if not folder.is_dir():
        with exclusive(folder, progress):
            if not folder.is_dir():
                with atomic_dir(folder) as temporary:
                    _build(Template(temporary, parts), sources, progress)
    return Template(folder, parts)


def _build(made: Template, sources: Path, progress: Progress) -> None:
    javac, java = jdk_program("javac"), jdk_program("java")
    with scratch_dir("android") as work:
        progress(0, STEPS, "compiling the app's resources")
        shutil.copyfile(sources / MANIFEST, made.folder / "AndroidManifest.xml")
        (made.folder / "res").mkdir()
        aapt2 = made.base.aapt2
        run(
            [aapt2, "compile", "--dir", sources / RESOURCES, "-o", made.folder / "res"],
            "compiling the app's resources",
        )
        linked = [aapt2, "link", "-I", made.base.framework, "--manifest", made.folder / "AndroidManifest.xml"]
        linked += ["--java", work / "r", "--emit-ids", made.ids, "-o", work / "resources.apk"]
        run([*linked, *made.resources], "linking the app's resources")
        progress(1, STEPS, "compiling the app's classes")
        jars = _jars(work, progress)
        classes = _compiled(javac, [*(sources / name for name in JAVA), work / "r"], jars, work)
        progress(2, STEPS, "compiling the classes for Android")
        d8 = [java, "-cp", R8.fetched(progress), "com.android.tools.r8.D8", "--release"]
        d8 += ["--min-api", str(MIN_SDK), "--lib", java_home(javac), "--lib", FRAMEWORK.fetched(progress)]
        run([*d8, "--output", made.folder, classes, *jars], "compiling the classes for Android")
    progress(3, STEPS, f"the app {package_of(made.manifest)} is compiled")


def _jars(work: Path, progress: Progress) -> list[Path]:
    """TensorFlow Lite's classes; Maven does not unpack an ``.aar``."""
    jars = []
    for artifact in (TFLITE, TFLITE_API):
        path = work / f"{artifact.name}.jar"
        path.write_bytes(members_of(artifact, ["classes.jar"], progress)["classes.jar"])
        jars.append(path)
    return jars


def _compiled(javac: Path, folders: list[Path], jars: list[Path], work: Path) -> Path:
    """A jar with the classes of all sources."""
    out, jar, listed = work / "classes", work / "classes.jar", work / "sources.txt"
    files = sorted(path for folder in folders for path in folder.rglob("*.java"))
    # Quoted, as javac reads a blank or a backslash otherwise as the end of a name.
    names = (path.as_posix().replace('"', '\\"') for path in files)
    listed.write_text("".join(f'"{name}"\n' for name in names), encoding="utf-8")
    path = os.pathsep.join(str(one) for one in (FRAMEWORK.fetched(), *jars))
    words = [javac, "--release", "8", "-Xlint:-options", "-proc:none", "-encoding", "UTF-8"]
    run([*words, "-cp", path, "-d", out, f"@{listed}"], "compiling the app's classes")
    with zipfile.ZipFile(jar, "w") as archive:
        for made in sorted(out.rglob("*.class")):
            archive.write(made, made.relative_to(out).as_posix())
    return jar
