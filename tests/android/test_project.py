"""The Gradle project: the same sources, whole, with bundles, name and icon; no JDK is needed, and none builds it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from edgeir.android.gradle import LITERT_VERSION
from edgeir.android.project import MARKER, structure_problems, write_project
from edgeir.android.template import source_files
from edgeir.core.assets import android_sources
from edgeir.core.errors import ArtifactError, ConfigError, OutputError
from edgeir.exporting.bundle.verify import faults_of
from edgeir.manifest.bundle import read_bundle

CHANGED = {"app/src/main/AndroidManifest.xml", "app/src/main/res/values/strings.xml"}


def test_it_holds_the_sources_and_the_bundle(zipped: Path, tmp_path: Path, nothing_installed: Path) -> None:
    report = write_project([zipped], out=tmp_path / "project", name="Rock & Roll's", application_id="de.x.y")
    folder, sources = tmp_path / "project", android_sources()
    assert report.bundles == ("app",)
    assert "no Gradle was run" in report.checked
    for path in source_files(sources):
        name = path.relative_to(sources).as_posix()
        assert name in CHANGED or (folder / name).read_bytes() == path.read_bytes(), name
    assert not [path for path in folder.rglob("*") if path.name in ("target", "test", "pom.xml")]
    bundle = folder / "app/src/main/assets/bundles/app"
    assert {fault.kind for fault in faults_of(bundle, read_bundle(bundle))} == {"missing"}  # other formats
    strings = ET.parse(folder / "app/src/main/res/values/strings.xml").getroot()
    assert [one.text for one in strings if one.get("name") == "app_name"] == ['"Rock & Roll\\\'s"']
    build = (folder / "app/build.gradle").read_text()
    assert "applicationId = 'de.x.y'" in build
    assert "namespace = 'org.edgeir.app'" in build
    assert "abiFilters 'arm64-v8a', 'armeabi-v7a', 'x86_64'" in build
    assert "noCompress += 'tflite'" in build
    assert (
        f"com.google.ai.edge.litert:litert:{LITERT_VERSION}" in (folder / "tflite/build.gradle").read_text()
    )
    assert "org.tensorflow:" not in "".join(path.read_text() for path in folder.rglob("*.gradle"))
    readme = (folder / "README.md").read_text()
    assert "No Gradle has built it" in readme
    assert "Only its structure was checked" in readme
    assert structure_problems(folder) == []


def test_every_block_of_the_gradle_files_is_closed(zipped: Path, tmp_path: Path) -> None:
    write_project([zipped], out=tmp_path / "project")
    for path in (tmp_path / "project").rglob("*.gradle"):
        text = re.sub(r"'[^']*'|//[^\n]*", "", path.read_text())
        depth = 0
        for character in text:
            depth += (character == "{") - (character == "}")
            assert depth >= 0, path
        assert depth == 0, path
        assert "%(" not in text


def test_what_is_missing_is_seen(zipped: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write_project([zipped], out=folder)
    (folder / "app/src/main/java/org/edgeir/app/MainActivity.java").unlink()
    (folder / "tflite/build.gradle").unlink()
    problems = structure_problems(folder)
    assert "the manifest names the class org.edgeir.app.MainActivity, which is not there" in problems
    assert any("`tflite`" in problem for problem in problems)


def test_its_icon(zipped: Path, tmp_path: Path) -> None:
    Image.new("RGB", (70, 70), (1, 2, 3)).save(tmp_path / "icon.png")
    write_project([zipped], out=tmp_path / "project", icon=tmp_path / "icon.png")
    files = sorted((tmp_path / "project/app/src/main/res").glob("mipmap*/ic_launcher.*"))
    assert len(files) == 6
    assert "#010203" in files[0].read_text()


def test_a_folder_that_edgeir_did_not_write_is_left_alone(zipped: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    write_project([zipped], out=folder)
    with pytest.raises(OutputError, match="exists already"):
        write_project([zipped], out=folder)
    write_project([zipped], out=folder, name="Second", overwrite=True)
    assert "Second" in (folder / "README.md").read_text()
    (folder / "local.properties").write_text("mine")
    with pytest.raises(OutputError, match="local.properties"):
        write_project([zipped], out=folder, overwrite=True)
    (folder / "local.properties").unlink()
    (folder / MARKER).unlink()
    with pytest.raises(OutputError, match="edgeir did not write it"):
        write_project([zipped], out=folder, overwrite=True)


def test_nothing_is_left_of_one_that_fails(tmp_path: Path) -> None:
    (tmp_path / "foreign").mkdir()
    with pytest.raises(ArtifactError):
        write_project([tmp_path / "foreign"], out=tmp_path / "out" / "project")
    with pytest.raises(ConfigError):
        write_project([tmp_path / "foreign"], out=tmp_path / "out" / "project", application_id="bad")
    assert not list((tmp_path / "out").iterdir()) if (tmp_path / "out").exists() else True
