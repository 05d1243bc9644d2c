"""Bundles in the page: from the server, a zip or a folder; what is damaged, unknown or of another time is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser

Script = Callable[..., Any]


def alert(opened: Any) -> str:
    opened.page.wait_for_selector("#alert:not([hidden])")
    assert opened.page.inner_text("#engine") == "No model"
    assert opened.page.is_disabled("#choose")
    return str(opened.page.inner_text("#alert"))


def manifest(zipped: Path) -> dict[str, Any]:
    with zipfile.ZipFile(zipped) as archive:
        content: dict[str, Any] = json.loads(archive.read("edgeir.json"))
        return content


def open_zip(opened: Any, path: Path) -> None:
    opened.page.click("#open-bundle")
    with opened.page.expect_file_chooser() as chooser:
        opened.page.click("#open-zip")
    chooser.value.set_files(str(path))


def test_without_a_bundle_the_page_asks_for_one_and_takes_a_zip_or_a_folder(
    zipped: Path, fixed: Path, visit: Script, noise: Script, tmp_path: Path
) -> None:
    opened = visit(None, query="?engine=wasm")
    assert "no edgeir.json" in alert(opened)
    open_zip(opened, zipped)
    assert opened.ready().startswith("LiteRT.js")
    assert not opened.page.is_visible("#alert")
    opened.page.click("#open-bundle")
    with opened.page.expect_file_chooser() as chooser:
        opened.page.click("#open-folder")
    chooser.value.set_files(str(fixed))
    assert opened.ready().startswith("LiteRT.js")
    Image.fromarray(noise(40, 50)).save(tmp_path / "in.png")
    opened.choose(tmp_path / "in.png")
    assert opened.finished() == "Restored"


def test_a_deflated_zip_with_a_folder_inside(zipped: Path, visit: Script, tmp_path: Path) -> None:
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(zipped) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(f"app/{name}", old.read(name))
    opened = visit(None, query="?engine=wasm")
    alert(opened)
    open_zip(opened, packed)
    assert opened.ready().startswith("LiteRT.js")


def test_another_model_of_the_bundle_can_be_chosen(fixed: Path, visit: Script) -> None:
    opened = visit(fixed, query="?engine=wasm")
    opened.ready()
    labels = opened.page.locator("#model option").all_inner_texts()
    assert [label.split(",")[0] for label in labels] == ["student tflite fp32", "student onnx fp32"]
    opened.page.select_option("#model", index=1)
    opened.page.wait_for_selector("#engine[data-state=loading]", state="detached")
    assert opened.ready().startswith("ONNX Runtime Web")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda m: m.update(format="edgeir-bundle-2"),
            "made by a newer edgeir: its format is edgeir-bundle-2",
        ),
        (lambda m: m.update(format="else"), 'has the format "else", which this page does not know'),
        (lambda m: m["facts"].update(scale=0), "`facts.scale` is 0, not a whole number from 1 to 64"),
        (lambda m: m.pop("facts"), "`facts` is no object"),
        (lambda m: m["files"][0].update(path="../net"), "is no path inside the bundle"),
        (lambda m: m["files"].clear(), "`files` is empty"),
        (lambda m: m["contents"].pop("tflite-fp32-48x40.tflite"), "`contents` does not list"),
        (lambda m: m["files"][0]["inputs"][0].update(shape=[1, 2]), "has 2 sides, not 4"),
        (
            lambda m: [file.update(target="ncnn") for file in m["files"]],
            "No model of the bundle runs in a browser",
        ),
        (
            lambda m: m["files"][0]["inputs"][0].update(dtype="int8") or m["files"].pop(),
            "its input or output is int8; export it with `--io float`",
        ),
    ],
)
def test_a_manifest_that_is_not_right_is_refused_by_its_place(
    change: Callable[[Any], Any], expected: str, zipped: Path, rezipped: Script, visit: Script, tmp_path: Path
) -> None:
    content = manifest(zipped)
    change(content)
    broken = rezipped(zipped, tmp_path / "broken.zip", {"edgeir.json": json.dumps(content).encode()})
    opened = visit(None, query="?engine=wasm")
    alert(opened)
    open_zip(opened, broken)
    opened.page.wait_for_selector(f"#alert:has-text({json.dumps(expected)})")
    assert alert(opened).count("\n") == 0


@pytest.mark.parametrize("name", ["tflite-fp32-48x40.tflite", "golden"])
def test_a_changed_file_is_found_by_its_checksum(
    name: str, zipped: Path, rezipped: Script, visit: Script, tmp_path: Path
) -> None:
    content = manifest(zipped)
    path = content["files"][0]["golden"]["expected"] if name == "golden" else name
    with zipfile.ZipFile(zipped) as archive:
        data = bytearray(archive.read(path))
    data[len(data) // 2] ^= 1
    opened = visit(None, query="?engine=wasm")
    alert(opened)
    open_zip(opened, rezipped(zipped, tmp_path / "changed.zip", {path: bytes(data)}))
    opened.page.wait_for_selector(f"#alert:has-text('`{path}` is damaged: its checksum')")
    open_zip(opened, rezipped(zipped, tmp_path / "missing.zip", {path: None}))
    opened.page.wait_for_selector(f"#alert:has-text('`{path}` is missing')")


@pytest.mark.parametrize("size", [0, 10, 5000, -30])
def test_a_zip_that_was_cut_off_is_refused(size: int, zipped: Path, visit: Script, tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(zipped.read_bytes()[:size])
    opened = visit(None, query="?engine=wasm")
    alert(opened)
    open_zip(opened, cut)
    opened.page.wait_for_selector("#alert:has-text('zip archive')")


def test_a_model_that_computes_something_else_is_not_used(fixed: Path, visit: Script, tmp_path: Path) -> None:
    """All checksums are right, but the golden output is another: as with a runtime that has a fault."""
    folder = tmp_path / "other"
    shutil.copytree(fixed, folder)
    content = json.loads((folder / "edgeir.json").read_text())
    path = content["files"][0]["golden"]["expected"]
    array = np.load(folder / path)
    array[0, :8, :8] += 0.1
    np.save(folder / path, array)
    data = (folder / path).read_bytes()
    content["contents"][path] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "edgeir.json").write_text(json.dumps(content))
    opened = visit(folder, query="?engine=wasm")
    assert "computes something else here than where it was exported" in alert(opened)


def test_a_bundle_of_another_server_is_refused(fixed: Path, visit: Script) -> None:
    opened = visit(fixed, query="?bundle=http://127.0.0.1:9/bundle/")
    assert "only be loaded from the page's own server" in alert(opened)
    assert not [url for url in opened.requests if "127.0.0.1:9/" in url.replace(opened.origin, "")[:20]]
