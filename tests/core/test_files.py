"""Atomic writes: the old file or the new one, never half of one, and errors that say what to do."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from edgeir.core.errors import OutputError
from edgeir.core.files import (
    atomic_dir,
    atomic_file,
    output_errors,
    refuse_existing,
    scratch_dir,
    settle_dir,
    sha256_file,
    write_json,
)


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "out.png"
    with atomic_file(path) as temporary:
        assert temporary.suffix == ".png"
        temporary.write_bytes(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert os.listdir(path.parent) == ["out.png"]


@pytest.mark.parametrize("failure", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")

    def write() -> None:
        with atomic_file(path) as temporary:
            temporary.write_text("half")
            raise failure

    with pytest.raises(type(failure)):
        write()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.json"]


def test_a_file_gets_the_permissions_that_open_would_give(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    with atomic_file(tmp_path / "atomic") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("failure", [ValueError("no"), KeyboardInterrupt()])
def test_a_failing_folder_leaves_the_old_one(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "old").write_text("old")

    def write() -> None:
        with atomic_dir(path) as temporary:
            (temporary / "new").write_text("half")
            raise failure

    with pytest.raises(type(failure)):
        write()
    assert [entry.name for entry in path.iterdir()] == ["old"]
    assert os.listdir(tmp_path) == ["out"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "old").write_text("old")
    with atomic_dir(path) as temporary:
        (temporary / "new").write_text("new")
    assert [entry.name for entry in path.iterdir()] == ["new"]
    assert os.listdir(tmp_path) == ["out"]


def test_a_rename_that_fails_puts_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "old").write_text("old")
    real = os.replace
    calls = []

    def replace(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    def write() -> None:
        with atomic_dir(path) as temporary:
            (temporary / "new").write_text("new")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OutputError, match="the disk is full"):
        write()
    assert [entry.name for entry in path.iterdir()] == ["old"]
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full (free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "no permission to write"),
        (errno.EROFS, "read-only"),
        (errno.ENAMETOOLONG, "shorter output name"),
    ],
)
def test_an_operating_system_error_says_what_to_do(tmp_path: Path, number: int, words: str) -> None:
    path = tmp_path / "out.json"

    def write() -> None:
        with atomic_file(path) as temporary:
            temporary.write_text("half")
            raise OSError(number, "words of the system")

    with pytest.raises(OutputError) as caught:
        write()
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_a_real_full_device_is_an_output_error() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")

    def write() -> None:
        with output_errors(full), full.open("w") as stream:
            stream.write("x")
            stream.flush()

    with pytest.raises(OutputError, match="the disk is full"):
        write()


def test_a_part_of_the_path_that_is_a_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        write_json(tmp_path / "file" / "out.json", {})


def test_a_folder_in_the_place_of_a_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "out.json").mkdir()
    with pytest.raises(OutputError, match="it is a folder, not a file"):
        write_json(tmp_path / "out.json", {})
    assert os.listdir(tmp_path) == ["out.json"]


def test_other_operating_system_errors_stay_what_they_are(tmp_path: Path) -> None:
    def write() -> None:
        with output_errors(tmp_path):
            raise OSError(errno.EIO, "input/output error")

    with pytest.raises(OSError, match="input/output error") as caught:
        write()
    assert not isinstance(caught.value, OutputError)


def test_an_existing_output_is_refused_unless_it_is_an_empty_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    refuse_existing(folder, overwrite=False)
    folder.mkdir()
    refuse_existing(folder, overwrite=False)
    (folder / "file").write_text("x")
    for path in (folder, folder / "file"):
        with pytest.raises(OutputError, match=r"exists already \(choose another name or pass --overwrite\)"):
            refuse_existing(path, overwrite=False)
    refuse_existing(folder / "file", overwrite=True)


def test_json_is_readable_unicode_and_never_nan(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    write_json(path, {"name": "Größe ×4"})
    assert "Größe ×4" in path.read_text(encoding="utf-8")
    assert path.read_bytes().endswith(b"}\n")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"psnr_db": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "Größe ×4"}


def test_sha256_of_a_file_longer_than_a_block(tmp_path: Path) -> None:
    path = tmp_path / "long"
    content = bytes(range(256)) * 8192 + b"tail"
    path.write_bytes(content)
    assert sha256_file(path) == hashlib.sha256(content).hexdigest()


def run_and_kill(folder: Path, work: str) -> None:
    """Kill a process in the middle of `work`, Python statements that end with printing a line and sleeping."""
    code = (
        "import os, sys, time\nfrom pathlib import Path\n"
        "from edgeir.core.files import atomic_dir, atomic_file, scratch_dir\n"
        f"folder = Path({str(folder)!r})\n"
        "def wait(*_):\n    print(flush=True)\n    time.sleep(60)\n"
        f"{work}\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert process.returncode != 0


REPLACED = """
real = os.replace
def replace(source, target):
    if str(target).endswith("out"):
        wait()
    real(source, target)
os.replace = replace
with atomic_dir(folder / "out") as new:
    (new / "file").write_text("new")
"""


def test_a_kill_between_the_renames_of_a_folder_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "file").write_text("old")
    run_and_kill(tmp_path, REPLACED)
    assert not path.exists()
    assert len(os.listdir(tmp_path)) == 2
    settle_dir(path)
    assert (path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("name", ["[1]", "a*", "x[0-9]"])
def test_what_a_kill_left_is_found_under_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.mkdir()
    (path / "file").write_text("old")
    work = REPLACED.replace('endswith("out")', f"endswith({name!r})").replace(
        'folder / "out"', f"folder / {name!r}"
    )
    run_and_kill(tmp_path, work)
    assert not path.exists()
    settle_dir(path)
    assert (path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == [name]


def test_the_next_replacement_settles_what_a_kill_left(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "file").write_text("old")
    run_and_kill(tmp_path, REPLACED)

    def write() -> None:
        with atomic_dir(path) as temporary:
            assert (path / "file").read_text() == "old"
            (temporary / "file").write_text("half")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        write()
    assert (path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize(
    "name", ["out.png", "a [1] {2}.png", "no-suffix", "x" * 251 + ".png", "é" * 120 + ".tiff"]
)
def test_the_next_file_removes_what_a_kill_left(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("old")
    run_and_kill(
        tmp_path, f"with atomic_file(folder / {name!r}) as new:\n    new.write_text('half')\n    wait()"
    )
    assert len(os.listdir(tmp_path)) == 2
    with atomic_file(path) as temporary:
        temporary.write_text("new")
        assert len(os.listdir(tmp_path)) == 2
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == [name]


def test_the_next_scratch_folder_removes_what_a_kill_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    run_and_kill(
        tmp_path, "with scratch_dir('bench') as new:\n    (new / 'file').write_text('x')\n    wait()"
    )
    assert len(os.listdir(tmp_path)) == 1
    with scratch_dir("export", libraries=True) as folder:
        assert os.listdir(tmp_path) == [folder.name]
        with tempfile.TemporaryDirectory() as inner:
            assert Path(inner).parent == folder
    assert os.listdir(tmp_path) == []
    assert tempfile.gettempdir() == str(tmp_path)


def test_what_living_processes_own_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = tmp_path / "out"
    with atomic_dir(path) as mine, scratch_dir("one") as scratch, atomic_file(tmp_path / "file") as file:
        machine, _, token = mine.name.partition("edgeir-")[2].removesuffix(".tmp").split("-")
        flipped = f"{int(token, 16) ^ 1:08x}"
        theirs = tmp_path / f".out.edgeir-{machine}-{os.getppid()}-{flipped}.tmp"  # another process, alive
        elsewhere = tmp_path / f".out.edgeir-{int(machine, 16) ^ 1:08x}-1-{flipped}.tmp"  # another machine
        lookalikes = [tmp_path / ".out.x1.tmp", tmp_path / "out.tmp", tmp_path / "edgeir-bench-notes"]
        recycled = (
            tmp_path / f".out.edgeir-{machine}-{os.getpid()}-{flipped}.tmp"
        )  # a dead process had our number
        for folder in (theirs, elsewhere, recycled, *lookalikes):
            folder.mkdir()
        settle_dir(path)
        with atomic_file(tmp_path / "other"), scratch_dir("two"):
            pass
        assert not recycled.exists()
        for entry in (mine, scratch, file, theirs, elsewhere, *lookalikes):
            assert entry.exists()
        week = time.time() - 8 * 24 * 3600
        os.utime(elsewhere, (week, week))
        settle_dir(path)
        assert not elsewhere.exists()
        assert theirs.exists()


def test_a_reader_waits_for_a_writer_between_its_renames(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    code = REPLACED.replace("wait()", "print(flush=True); time.sleep(0.3)")
    source = (
        "import os, time\nfrom pathlib import Path\nfrom edgeir.core.files import atomic_dir\n"
        f"folder = Path({str(tmp_path)!r})\n{code}"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        settle_dir(path)
        assert (path / "file").read_text() == "new"
    assert process.returncode == 0
    assert os.listdir(tmp_path) == ["out"]


def test_a_name_that_is_too_long_is_said_before_the_work(tmp_path: Path) -> None:
    for context in (atomic_file, atomic_dir):
        with pytest.raises(OutputError, match="the name is too long"), context(tmp_path / ("x" * 256)):
            pytest.fail("the work began")
    assert os.listdir(tmp_path) == []


def test_a_folder_is_replaced_only_if_edgeir_wrote_all_of_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    known = {"marker": "artifact.json", "owned": ("model*",)}
    refuse_existing(out, overwrite=False, **known)
    (out / "photo.jpg").write_text("a person's")
    with pytest.raises(OutputError, match="the output exists already"):
        refuse_existing(out, overwrite=False, **known)
    with pytest.raises(OutputError, match=r"no artifact.json, so edgeir did not write it"):
        refuse_existing(out, overwrite=True, **known)
    with pytest.raises(OutputError, match="it is a folder, not a file"):
        refuse_existing(out, overwrite=True)
    (out / "artifact.json").write_text("{}")
    with pytest.raises(OutputError, match="also holds `photo.jpg`, which edgeir did not write"):
        refuse_existing(out, overwrite=True, **known)
    (out / "photo.jpg").rename(out / "model.onnx")
    refuse_existing(out, overwrite=True, **known)
