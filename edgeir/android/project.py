"""Write the app's sources with bundles as a Gradle project for Android Studio (`edgeir android --project`).

The sources are those of the package; nothing is compiled, and neither a JDK nor Maven is needed. Only the structure of
what was written is checked.
"""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from importlib.metadata import version as installed
from pathlib import Path

from edgeir.android.build import APPLICATION_ID, NAME
from edgeir.android.bundles import Packed, pack_bundles
from edgeir.android.gradle import LITERT_VERSION, MODULES, gradle_files, readme
from edgeir.android.icon import Icon, icon_files, read_icon
from edgeir.android.manifest import NAMESPACE, for_gradle, package_of
from edgeir.android.names import check_application_id, check_name, chosen_abis, string_resource
from edgeir.android.template import MANIFEST, RESOURCES, source_files
from edgeir.core.assets import android_sources, licence_text
from edgeir.core.config import Config
from edgeir.core.errors import ExportError
from edgeir.core.files import atomic_dir, refuse_existing, scratch_dir, write_json
from edgeir.core.progress import Progress, no_progress
from edgeir.devices.runner.library import VERSION as TFLITE_VERSION

__all__ = ["MARKER", "ProjectReport", "structure_problems", "write_project"]

MARKER = "edgeir-project.json"
"""By it edgeir recognises a project that it wrote."""
ASSETS = "app/src/main/assets"
APP_NAME = re.compile(r'<string name="app_name"[^>]*>.*?</string>', re.DOTALL)


class ProjectReport(Config):
    """A Gradle project that was written."""

    project: str
    application_id: str
    litert: str
    """The version that it asks Google's Maven for."""
    bundles: tuple[str, ...]
    """Names of the folders among its assets."""
    checked: str = "structure only: no Gradle was run"


def write_project(
    bundles: Sequence[str | Path],
    *,
    out: str | Path,
    name: str = NAME,
    icon: str | Path | None = None,
    application_id: str = APPLICATION_ID,
    abis: Sequence[str] = (),
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> ProjectReport:
    """Write a folder for Android Studio; the arguments are those of `edgeir.android.build.build_apk`.

    Raises:
        ConfigError: no bundle is named, or a name, id or processor is wrong.
        ArtifactError: a bundle is none, is changed, or has no file that the app takes.
        ImageError: the icon cannot be read.
        OutputError: `out` exists already, is not edgeir's, or cannot be written.
        ExportError: the sources do not make a whole project.
    """
    target = Path(out)
    owned = (*MODULES, "README.md", *(path.partition("/")[0] for path in _texts("", "", ("",))))
    refuse_existing(target, overwrite=overwrite, marker=MARKER, owned=owned)
    shown, id_, chosen = check_name(name), check_application_id(application_id), chosen_abis(abis)
    drawn = None if icon is None else read_icon(Path(icon))
    with scratch_dir("project") as work, atomic_dir(target) as folder:
        packed = pack_bundles([Path(bundle) for bundle in bundles], work, progress)
        _copy_sources(folder, shown, drawn)
        package = package_of((android_sources() / MANIFEST).read_text(encoding="utf-8"))
        version = installed("edgeir")
        texts = _texts(package, id_, chosen)
        texts["README.md"] = readme(name=shown, application_id=id_, version=version, tflite=TFLITE_VERSION)
        texts[f"{ASSETS}/licences/edgeir.txt"] = licence_text()
        for path, text in texts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        for one in packed:
            shutil.copytree(one.folder, folder / ASSETS / "bundles" / one.name)
        if problems := structure_problems(folder, packed):
            raise ExportError(f"the project is not whole: {'; '.join(problems)}", where=target)
        write_json(
            folder / MARKER, {"format": "edgeir-android-project-1", "edgeir": version, "application_id": id_}
        )
    return ProjectReport(
        project=str(target),
        application_id=id_,
        litert=LITERT_VERSION,
        bundles=tuple(one.name for one in packed),
    )


def structure_problems(folder: Path, packed: Sequence[Packed] = ()) -> list[str]:
    """What is missing in a project, as far as files can tell: modules, named classes, sources, bundles."""
    problems = []
    named = re.findall(r"':(\w+)'", (folder / "settings.gradle").read_text(encoding="utf-8"))
    for module in (*MODULES, *named):
        if not (folder / module / "build.gradle").is_file() or not any((folder / module).rglob("*.java")):
            problems.append(f"the module `{module}` has no build.gradle or no sources")
    root = ET.parse(folder / MANIFEST).getroot()
    if root.get("package") is not None or root.find("uses-sdk") is not None:
        problems.append("the manifest states what build.gradle states")
    build = (folder / "app/build.gradle").read_text(encoding="utf-8")
    namespace = re.search(r"namespace = '([\w.]+)'", build)
    for entry in root.iter():
        name = entry.get(f"{{{NAMESPACE}}}name") or ""
        if entry.tag in ("application", "activity", "service", "receiver", "provider") and name:
            full = f"{namespace[1] if namespace else ''}{name}" if name.startswith(".") else name
            if not (folder / "app/src/main/java" / f"{full.replace('.', '/')}.java").is_file():
                problems.append(f"the manifest names the class {full}, which is not there")
    for one in packed:
        place = folder / ASSETS / "bundles" / one.name
        problems += [
            f"{one.name}/{inside} is missing" for inside in one.files if not (place / inside).is_file()
        ]
    return problems


def _texts(package: str, application_id: str, abis: tuple[str, ...]) -> dict[str, str]:
    return gradle_files(
        package=package, application_id=application_id, version=installed("edgeir"), abis=abis
    )


def _copy_sources(folder: Path, name: str, icon: Icon | None) -> None:
    """The sources of the package, with manifest, name and icon as the project has them."""
    sources = android_sources()
    for path in source_files(sources):
        target = folder / path.relative_to(sources)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    manifest = folder / MANIFEST
    manifest.write_text(for_gradle(manifest.read_text(encoding="utf-8")), encoding="utf-8")
    strings = folder / RESOURCES / "values" / "strings.xml"
    text = strings.read_text(encoding="utf-8")
    shown = f'<string name="app_name" translatable="false">{string_resource(name)}</string>'
    changed, count = APP_NAME.subn(lambda _: shown, text)
    if count != 1:
        raise ExportError("the app's strings have no single `app_name`", where=strings)
    strings.write_text(changed, encoding="utf-8")
    if icon is not None:
        for old in (folder / RESOURCES).glob("mipmap*/ic_launcher.*"):
            old.unlink()
        for inside, content in icon_files(icon).items():
            (folder / RESOURCES / inside).parent.mkdir(parents=True, exist_ok=True)
            (folder / RESOURCES / inside).write_bytes(content)
