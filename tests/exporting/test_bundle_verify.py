"""`edgeir verify`: without torch, on every form of a bundle, and every fault found."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeir.core.errors import ArtifactError
from edgeir.core.files import sha256_file, write_json
from edgeir.exporting.bundle.verify import BundleReport, faults_of, verify
from edgeir.manifest.bundle import BUNDLE_NAME, Content, read_bundle
from edgeir.runtime import catalog


def test_a_bundle_verifies_as_zip_folder_and_manifest(zipped: Path, bundle_folder: Path) -> None:
    for bundle in (zipped, bundle_folder, bundle_folder / BUNDLE_NAME):
        report = verify(bundle)
        assert (report.source, report.models, report.faults) == ("student", 2, ())
        assert [(run.path, run.runtime, run.status) for run in report.golden] == [
            ("onnx-fp32-12x10.onnx", "onnxruntime", "passed"),
            ("tflite-fp32-12x10.tflite", "litert", "passed"),
        ]
        assert all(run.drift == 0 for run in report.golden)


def test_verifying_needs_no_torch_and_no_runtime(bundle_folder: Path) -> None:
    code = (
        "import sys\nsys.modules['torch'] = sys.modules['onnxruntime'] = None\nimport edgeir\n"
        f"report = edgeir.verify({str(bundle_folder)!r})\n"
        "print(report.faults, [(run.status, run.reason, run.command) for run in report.golden])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == (
        "() [('not run', 'running an .onnx artifact needs the package `onnxruntime`, which is not installed', "
        "\"pip install 'edgeir[onnx]'\"), ('passed', None, None)]"
    )


def test_what_runs_on_another_system_is_not_run_and_says_where(
    bundle_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "win32" if sys.platform != "win32" else "darwin"
    entries = [
        entry if entry.name != "litert" else catalog.RuntimeEntry(**{**vars(entry), "system": other})
        for entry in catalog.RUNTIMES
    ]
    monkeypatch.setattr(catalog, "RUNTIMES", entries)
    run = verify(bundle_folder).golden[1]
    assert (run.status, run.reason) == ("not run", "LiteRT is not on this system")
    assert run.command == f"edgeir verify {bundle_folder}, on {entries[2].system_name}"


# --- faults


def resealed(bundle_folder: Path) -> None:
    """Write the checksums of what is there into the manifest, as one who changes a file on purpose would."""
    bundle = read_bundle(bundle_folder)
    contents = {
        name: Content(bytes=(bundle_folder / name).stat().st_size, sha256=sha256_file(bundle_folder / name))
        for name in bundle.contents
    }
    changed = bundle.model_copy(update={"contents": contents})
    write_json(bundle_folder / BUNDLE_NAME, changed.model_dump(mode="json"))


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def found(report: BundleReport) -> list[tuple[str, str]]:
    return [(fault.kind, fault.path) for fault in report.faults]


def test_missing_extra_changed_and_linked_files_are_all_found(bundle_folder: Path) -> None:
    (bundle_folder / "golden" / "output-onnx-fp32-12x10.onnx.npy").unlink()
    (bundle_folder / "notes.txt").write_text("mine")
    flipped(bundle_folder / "tflite-fp32-12x10.tflite")
    with (bundle_folder / "README.md").open("a") as stream:
        stream.write("more")
    (bundle_folder / "LICENSE").unlink()
    (bundle_folder / "LICENSE").symlink_to("/etc/passwd")
    report = verify(bundle_folder)
    assert found(report) == [
        ("missing", "golden/output-onnx-fp32-12x10.onnx.npy"),
        ("extra", "notes.txt"),
        ("link", "LICENSE"),
        ("changed", "README.md"),
        ("changed", "tflite-fp32-12x10.tflite"),
    ]
    assert report.golden == (), "what is not as it was made is not run"
    assert "changed after it was made: sha256 " in report.faults[-1].what


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]"])
def test_a_zip_with_a_damaged_manifest_is_named_itself(content: bytes, zipped: Path, tmp_path: Path) -> None:
    """Not the folder that it was unpacked into, which is gone."""
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(zipped) as source, zipfile.ZipFile(bad, "w") as target:
        for member in source.infolist():
            target.writestr(member, content if member.filename == BUNDLE_NAME else source.read(member))
    with pytest.raises(ArtifactError, match="the manifest is damaged") as caught:
        verify(bad)
    assert caught.value.where == str(bad / BUNDLE_NAME)


def test_a_file_that_computes_something_else_is_found(bundle_folder: Path) -> None:
    golden = read_bundle(bundle_folder).main.golden
    assert golden is not None
    expected = bundle_folder / golden.expected
    np.save(expected, np.load(expected) + np.float32(0.01))
    resealed(bundle_folder)
    report = verify(bundle_folder)
    assert found(report) == [("golden", "onnx-fp32-12x10.onnx")]
    assert re.search(
        r"ONNX Runtime .* differs from the network by 1.00e-02, 1.00e-05 are allowed", report.faults[0].what
    )


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'shape': (1"])
def test_a_golden_array_that_is_none_is_found(content: bytes, bundle_folder: Path) -> None:
    golden = read_bundle(bundle_folder).main.golden
    assert golden is not None
    (bundle_folder / golden.input).write_bytes(content)
    resealed(bundle_folder)
    assert [fault.what for fault in verify(bundle_folder).faults] == ["a golden array is missing or damaged"]


def test_a_header_that_asks_for_more_memory_than_the_file_has_is_refused(bundle_folder: Path) -> None:
    golden = read_bundle(bundle_folder).main.golden
    assert golden is not None
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 1000000, 1000000), }"
    header = header.ljust(117) + b"\n"
    (bundle_folder / golden.input).write_bytes(
        b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    )
    resealed(bundle_folder)
    assert [fault.what for fault in verify(bundle_folder).faults] == ["a golden array is missing or damaged"]


def test_a_model_that_was_exchanged_with_its_checksum_is_found(bundle_folder: Path) -> None:
    flipped(bundle_folder / "onnx-fp32-12x10.onnx")
    resealed(bundle_folder)
    first = verify(bundle_folder).faults[0]
    assert (first.kind, first.path) == ("changed", "onnx-fp32-12x10.onnx")
    assert first.what == "the manifest gives two checksums or sizes for it"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_zip_never_crashes(zipped: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(zipped.read_bytes())
    headers = [match.start() for match in re.finditer(b"PK[\x01-\x06][\x02-\x06]", content)]
    for _ in range(data.draw(st.integers(1, 4))):  # most of the bytes are weights: change the headers
        content[data.draw(st.sampled_from(headers)) + data.draw(st.integers(0, 45))] = data.draw(
            st.integers(0, 255)
        )
    path = tmp_path / "changed.zip"
    path.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))])
    with contextlib.suppress(ArtifactError):
        verify(path)
    assert list(tmp_path.iterdir()) == [path]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_changed_manifest_never_crashes(bundle_folder: Path, changes: list[tuple[int, int]]) -> None:
    original = (bundle_folder.parent / "original").with_suffix(".json")
    if not original.exists():
        shutil.copy(bundle_folder / BUNDLE_NAME, original)
    content = bytearray(original.read_bytes())
    for position, value in changes:
        content[position % len(content)] = value
    (bundle_folder / BUNDLE_NAME).write_bytes(content)
    with contextlib.suppress(ArtifactError):
        faults_of(bundle_folder, read_bundle(bundle_folder))


def test_what_is_no_bundle_is_one_line(bundle_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "empty").mkdir()
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a", "b")
    for path, message in (
        (tmp_path / "text.zip", "the zip is damaged: it is no zip, or its end is missing (get it again)"),
        (tmp_path / "other.zip", "no edgeir.json here, so this is no bundle"),
        (tmp_path / "empty", "no edgeir.json here, so this is no bundle"),
        (tmp_path / "none", "there is no such file or folder"),
    ):
        with pytest.raises(ArtifactError, match=re.escape(message)):
            verify(path)
    values = json.loads((bundle_folder / BUNDLE_NAME).read_text())
    (bundle_folder / BUNDLE_NAME).write_text(
        json.dumps(values | {"format": "edgeir-bundle-9", "files": "new"})
    )
    with pytest.raises(ArtifactError, match="made by a newer edgeir"):
        verify(bundle_folder)
