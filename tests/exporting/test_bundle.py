"""Bundles: complete, the same bytes each time, refused before an export where they cannot be, used like artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeir.checkpoint.resolve import resolve
from edgeir.core.archive import write_zip
from edgeir.core.errors import ArtifactError, ConfigError, EdgeIRError, OutputError
from edgeir.core.files import sha256_file
from edgeir.exporting.bundle import export as exporting
from edgeir.exporting.bundle.licence import licence_of
from edgeir.exporting.bundle.parts import parts
from edgeir.exporting.bundle.verify import verify
from edgeir.manifest.artifact import read_artifact
from edgeir.manifest.bundle import BUNDLE_NAME, read_bundle
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.parity import Parity
from edgeir.runtime.loading import load

from .conftest import bundled, card_of


def test_a_bundle_is_complete(bundle_folder: Path, student: Path) -> None:
    bundle = read_bundle(bundle_folder)
    assert sorted(path.name for path in bundle_folder.iterdir()) == [
        "LICENSE", "README.md", "card.json", "edgeir.json", "golden", "onnx-fp32-12x10.onnx",
        "proof", "tflite-fp32-12x10.tflite",
    ]  # fmt: skip
    assert [(file.path, file.target, file.size) for file in bundle.files] == [
        ("onnx-fp32-12x10.onnx", "onnx", (12, 10)),
        ("tflite-fp32-12x10.tflite", "tflite", (12, 10)),
    ]
    for file in bundle.files:
        assert isinstance(file.parity, Parity)
        assert file.golden is not None
        assert file.golden.max_abs_error == file.parity.gate.max_abs_error
        assert load(bundle_folder / file.path).run(np.zeros((12, 10, 3), np.float32)).shape == (48, 40, 3)
    there = {
        path.relative_to(bundle_folder).as_posix() for path in bundle_folder.rglob("*") if path.is_file()
    }
    assert set(bundle.contents) == there - {BUNDLE_NAME}
    for name, content in bundle.contents.items():
        assert (content.bytes, content.sha256) == (
            (bundle_folder / name).stat().st_size,
            sha256_file(bundle_folder / name),
        )
    assert (bundle_folder / "card.json").read_bytes() == (student / "card.json").read_bytes()
    licence = (bundle_folder / "LICENSE").read_text()
    assert licence.startswith("Network `student`: Apache-2.0 (weights).\nTrained on: noise.\n")
    assert "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION" in licence


def test_two_exports_have_the_same_bytes_as_a_zip_and_as_a_folder(
    zipped: Path, bundle_folder: Path, student: Path, tmp_path: Path
) -> None:
    bundled(student, tmp_path / "again")
    for path in sorted(bundle_folder.rglob("*")):
        if path.is_file():
            again = tmp_path / "again" / path.relative_to(bundle_folder)
            assert again.read_bytes() == path.read_bytes(), path.name
    write_zip(tmp_path / "again", tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == zipped.read_bytes()
    mode = {path.stat().st_mode & 0o777 for path in (tmp_path / "again").rglob("*") if path.is_file()}
    assert len(mode) == 1, "all files are readable by the same people"


# --- what is refused before anything is made


FACTS = NetworkFacts(scale=4)


def planned(**settings: Any) -> list[str]:
    nothing: dict[str, Any] = dict.fromkeys(("targets", "precisions", "profiles", "sizes", "overrides"), ())
    return [part.path for part in parts(FACTS, **{**nothing, "io": "float", **settings})]


def test_every_format_is_made_in_every_precision_and_size() -> None:
    assert planned(targets=["onnx", "tflite"], precisions=["fp32", "int8"], sizes=[(8, 8), (16, 8)]) == [
        "onnx-fp32-8x8.onnx", "onnx-fp32-16x8.onnx", "onnx-int8-8x8.onnx", "onnx-int8-16x8.onnx",
        "tflite-fp32-8x8.tflite", "tflite-fp32-16x8.tflite", "tflite-int8-8x8.tflite", "tflite-int8-16x8.tflite",
    ]  # fmt: skip
    assert planned(targets=["onnx", "tflite"]) == ["onnx-fp32.onnx", "tflite-fp32-180x320.tflite"]
    assert planned(profiles=["coreml-w8", "ncnn-fp16"]) == ["coreml-w8-180x320.mlpackage", "ncnn-fp16.ncnn"]
    assert planned(targets=["onnx"], precisions=["int8"], io="uint8") == ["onnx-int8-uint8.onnx"]
    assert planned(profiles=["onnx-int8=uint8", "onnx-int8"]) == ["onnx-int8-uint8.onnx", "onnx-int8.onnx"]
    assert planned(targets=["onnx", "onnx"]) == ["onnx-fp32.onnx"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "no format is named"),
        (
            {"targets": ["ort"], "precisions": ["fp16", "int16x8"]},
            "ort is not written in fp16: it would hold .*; ort is not written in int16x8: .*--profile",
        ),
        ({"profiles": ["onnx-fp32"], "targets": ["onnx"]}, "a profile says its format and precision itself"),
        ({"profiles": ["onnx-fp32", "onnx-fp32"]}, "two files of the bundle would be `onnx-fp32.onnx`"),
        ({"profiles": ["onnx-fp31"]}, "there is no profile or file `onnx-fp31`"),
        ({"targets": ["onnx"], "sizes": [(8, 8), (8, 8)]}, "a size is given twice"),
    ],
)
def test_what_cannot_be_is_refused_before_an_export(settings: Any, message: str) -> None:
    with pytest.raises(EdgeIRError, match=message):
        planned(**settings)


def test_only_a_bundle_that_edgeir_wrote_is_replaced(
    student: Path, bundle_folder: Path, zipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_export(*_: Any, **__: Any) -> None:
        raise ConfigError(["as far as the export"])

    monkeypatch.setattr(exporting, "export", no_export)
    (tmp_path / "mine.zip").write_bytes(b"mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_text("mine")
    (bundle_folder / "golden" / "notes.txt").write_text("mine")
    for out, overwrite, message in (
        (zipped, False, "the output exists already"),
        (bundle_folder, False, "the output exists already"),
        (tmp_path / "mine.zip", True, "the zip has no edgeir.json, so edgeir did not write it"),
        (tmp_path / "mine", True, "the folder has no edgeir.json, so edgeir did not write it"),
        (bundle_folder, True, "the folder also holds `golden/notes.txt`, which edgeir did not write"),
    ):
        with pytest.raises(OutputError, match=message):
            bundled(student, out, overwrite=overwrite)
    (bundle_folder / "golden" / "notes.txt").unlink()
    before = sorted(tmp_path.rglob("*"))
    for out in (bundle_folder, zipped):
        with pytest.raises(ConfigError, match="as far as the export"):
            bundled(student, out, overwrite=True)
    assert sorted(tmp_path.rglob("*")) == before
    assert verify(zipped).faults == ()


def test_a_failed_export_leaves_nothing(student: Path, empty: Path) -> None:
    with pytest.raises(EdgeIRError, match="--io uint8 needs --precision int8"):
        bundled(student, empty / "app.zip", io="uint8")
    assert list(empty.iterdir()) == []


def test_the_licence_is_the_card_s_or_a_text_of_one_s_own(tmp_path: Path, tiny: Any) -> None:
    card = card_of(tiny)
    assert licence_of(card).name is None
    assert "states no licence" in licence_of(card).text
    stated = card.model_copy(update={"provenance": {"licence": "MIT"}})
    assert (licence_of(stated).name, licence_of(stated).text) == ("MIT", "Network `tiny`: MIT.\n")
    own = tmp_path / "licence.txt"
    own.write_text("\n\nFor Foo only\n\nNo warranty.\n\n")
    assert licence_of(stated, own).name == "For Foo only"
    for name, content in (("none", None), ("empty", b" "), ("binary", b"\xff\xfe\xfa")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigError, match="licence"):
            licence_of(card, tmp_path / name)


# --- used by the other stages


def test_a_folder_resolves_to_its_first_file_and_a_file_by_its_name(
    bundle_folder: Path, zipped: Path
) -> None:
    assert resolve(bundle_folder).kind == resolve(bundle_folder / BUNDLE_NAME).kind == "bundle"
    assert resolve(bundle_folder / "tflite-fp32-12x10.tflite").kind == "model file"
    assert load(bundle_folder).runtime == "onnxruntime"
    assert load(bundle_folder, runtime="litert").runtime == "litert"
    assert load(bundle_folder / "tflite-fp32-12x10.tflite").runtime == "litert"
    artifact, where = read_artifact(bundle_folder)
    assert (where, len(artifact.files)) == (bundle_folder, 2)
    with pytest.raises(
        ArtifactError, match=r"app.zip: is a zip, and models run from folders \(edgeir verify app.zip, unzip"
    ):
        load(zipped)
    (bundle_folder / "onnx-fp32-12x10.onnx").write_bytes(b"another")
    with pytest.raises(ArtifactError, match="the file changed after it was exported"):
        load(bundle_folder)
