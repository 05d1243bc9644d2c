"""Which bundles and which of their files an app gets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgeir.android.bundles import asset_name, pack_bundles, taken_files, why_not
from edgeir.core.errors import ArtifactError, ConfigError
from edgeir.exporting.bundle.verify import faults_of
from edgeir.manifest.bundle import BUNDLE_NAME, read_bundle


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("out/app.zip", "app"),
        ("my bundle (2).zip", "my-bundle-2"),
        ("_x.zip", "x"),
        ("ü.zip", "bundle"),
        (".z", "z"),
    ],
)
def test_a_name_among_the_assets(path: str, name: str) -> None:
    assert asset_name(Path(path)) == name


def test_names_are_those_of_folders_too(tmp_path: Path) -> None:
    (tmp_path / "a.b").mkdir()
    (tmp_path / "a.b" / BUNDLE_NAME).touch()
    assert asset_name(tmp_path / "a.b") == "a.b"
    assert asset_name(tmp_path / "a.b" / BUNDLE_NAME) == "a.b"


def test_only_what_the_app_reads_is_copied(zipped: Path, bundle_folder: Path, tmp_path: Path) -> None:
    one, two, three = pack_bundles([zipped, bundle_folder, zipped], tmp_path / "into")
    assert [packed.name for packed in (one, two, three)] == ["app", "tiny-bundle", "app-2"]
    for packed in (one, two, three):
        assert [file.path for file in taken_files(packed.bundle)] == ["tflite-fp32-12x10.tflite"]
        there = {
            path.relative_to(packed.folder).as_posix() for path in packed.folder.rglob("*") if path.is_file()
        }
        assert there == set(packed.files)
        assert {"edgeir.json", "README.md", "LICENSE", "card.json", "tflite-fp32-12x10.tflite"} < there
        assert not [path for path in there if "onnx" in path or path.startswith("proof")]
        assert set(packed.left_out) | there == {*packed.bundle.contents, BUNDLE_NAME}
        assert packed.golden_bytes == sum(
            (packed.folder / path).stat().st_size for path in there if path.startswith("golden/")
        )
        faults = faults_of(packed.folder, read_bundle(packed.folder))
        assert {fault.path for fault in faults} == set(packed.left_out)
        assert {fault.kind for fault in faults} == {"missing"}


def test_no_bundle_and_what_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no bundle is named"):
        pack_bundles([], tmp_path)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "model.tflite").write_bytes(b"x")
    for path, message in (
        (tmp_path / "foreign", "no edgeir.json here, so this is no bundle"),
        (tmp_path / "none.zip", "there is no such bundle (edgeir export NETWORK --bundle --target tflite"),
    ):
        with pytest.raises(ArtifactError) as found:
            pack_bundles([path], tmp_path / "into")
        assert message in str(found.value)


def test_a_changed_bundle_is_refused(bundle_folder: Path, tmp_path: Path) -> None:
    model = bundle_folder / "tflite-fp32-12x10.tflite"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(ArtifactError, match="tflite-fp32-12x10.tflite.*changed after it was made"):
        pack_bundles([bundle_folder], tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_a_truncated_zip_is_refused(zipped: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.zip"
    half.write_bytes(zipped.read_bytes()[:-1000])
    with pytest.raises(ArtifactError, match="the zip is damaged"):
        pack_bundles([half], tmp_path / "into")


def test_a_bundle_without_a_file_for_the_app_says_why(bundle_folder: Path, tmp_path: Path) -> None:
    """The manifest of a bundle of ONNX alone."""
    manifest = json.loads((bundle_folder / BUNDLE_NAME).read_text(encoding="utf-8"))
    gone = [file for file in manifest["files"] if file["target"] == "tflite"]
    manifest["files"] = [file for file in manifest["files"] if file["target"] != "tflite"]
    for path in [path for path in manifest["contents"] if "tflite" in path]:
        del manifest["contents"][path]
        (bundle_folder / path).unlink()
    for path in [path for path in manifest["contents"] if "nhwc" in path]:
        del manifest["contents"][path]
        (bundle_folder / path).unlink()
    (bundle_folder / BUNDLE_NAME).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtifactError) as found:
        pack_bundles([bundle_folder], tmp_path / "into")
    assert "has no file that the app takes (onnx-fp32-12x10.onnx: its format is onnx)" in str(found.value)
    assert "edgeir export tiny --bundle --target tflite" in str(found.value)
    assert gone


def test_ends_that_the_library_does_not_take(bundle_folder: Path) -> None:
    (file,) = taken_files(read_bundle(bundle_folder))
    tensor = file.inputs[0]
    for update, reason in (
        ({"layout": "NCHW"}, "its input is NCHW"),
        ({"dtype": "float16"}, "its input is float16"),
    ):
        changed = file.model_copy(update={"inputs": (tensor.model_copy(update=update),)})
        assert why_not(changed) == reason
    shutil.rmtree(bundle_folder)
