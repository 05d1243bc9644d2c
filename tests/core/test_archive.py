"""Zips: the same bytes each time, and nothing in a stranger's zip leads outside, fills the disk or crashes."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeir.core import archive
from edgeir.core.archive import holds, unpack_zip, write_zip
from edgeir.core.errors import ArtifactError, OutputError


def made(path: Path, *members: tuple[str, bytes], mode: int = 0, **settings: int) -> Path:
    with zipfile.ZipFile(path, "w") as target:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = settings.get("compress_type", zipfile.ZIP_STORED)
            target.writestr(info, content)
    return path


def refused(path: Path, into: Path) -> str:
    """The one line of the error; nothing lies beside or above `into` afterwards."""
    before = sorted(path.parent.rglob("*"))
    into.mkdir()
    with pytest.raises(ArtifactError) as caught:
        unpack_zip(path, into)
    outside = [entry for entry in path.parent.rglob("*") if into not in (entry, *entry.parents)]
    assert sorted(outside) == before
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return caught.value.what


def test_a_folder_comes_back_and_its_zip_has_the_same_bytes_whatever_its_dates(tmp_path: Path) -> None:
    zips = []
    for index in range(2):
        folder = tmp_path / f"{index}"
        (folder / "b" / "c").mkdir(parents=True)
        names = ["a", "b/c/d", "b/e"]
        for name in names if index else reversed(names):
            (folder / name).write_bytes(name.encode() * 3)
            os.utime(folder / name, (index * 10**9, index * 10**9))
            (folder / name).chmod(0o600 if index else 0o755)
        zips.append(tmp_path / f"{index}.zip")
        write_zip(folder, zips[-1])
    assert zips[0].read_bytes() == zips[1].read_bytes()
    (tmp_path / "out").mkdir()
    unpack_zip(zips[0], tmp_path / "out")
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")}
    assert found == {"a", "b", "b/c", "b/c/d", "b/e"}
    assert (tmp_path / "out" / "b" / "e").read_bytes() == b"b/eb/eb/e"
    assert holds(zips[0], "b/e")
    assert not holds(zips[0], "b")


def test_what_others_deflated_and_listed_with_folders_is_read_too(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("d/", b""), ("d/a", b"a" * 999), compress_type=zipfile.ZIP_DEFLATED)
    (tmp_path / "out").mkdir()
    unpack_zip(path, tmp_path / "out")
    assert (tmp_path / "out" / "d" / "a").read_bytes() == b"a" * 999


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "C:/x",
        "..\\x",
        "a/..",
        "a//b",
        "./a",
        "nul",
        "a/COM1.txt",
        "ä",
        "a\nb",
        "a ",
    ],
)
def test_names_that_lead_elsewhere_or_that_no_system_can_have_are_refused(name: str, tmp_path: Path) -> None:
    what = refused(made(tmp_path / "x.zip", ("good", b""), (name, b"x")), tmp_path / "out")
    assert "a path that leads elsewhere" in what or "a name that" in what


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    for index, kind in enumerate((stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR)):
        path = made(tmp_path / f"{index}.zip", ("a", b"/etc/passwd"), mode=kind | 0o777)
        assert "a link or device, not a file" in refused(path, tmp_path / f"out{index}")


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_name_twice_is_refused_also_where_only_its_case_differs(tmp_path: Path) -> None:
    for index, second in enumerate(("a/b", "A/b")):
        path = made(tmp_path / f"{index}.zip", ("a/b", b"1"), (second, b"2"))
        assert refused(path, tmp_path / f"out{index}") == "the zip holds `a/b` twice"
    path = made(tmp_path / "x.zip", ("a", b"1"), ("a/b", b"2"))
    assert refused(path, tmp_path / "out") == "the zip holds `a/b` below a file"


def test_a_bomb_is_refused_by_its_ratio_before_it_is_unpacked(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("a", bytes(8 << 20)), compress_type=zipfile.ZIP_DEFLATED)
    assert "unpacks to 8,388,608 bytes from" in refused(path, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_bomb_that_lies_about_its_size_is_stopped_while_it_is_unpacked(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("a", bytes(8 << 20)), compress_type=zipfile.ZIP_DEFLATED)
    content = path.read_bytes().replace(struct.pack("<L", 8 << 20), struct.pack("<L", 1000))
    path.write_bytes(content)
    refused(path, tmp_path / "out")
    assert sum(entry.stat().st_size for entry in (tmp_path / "out").iterdir()) <= 1000


def test_no_more_files_and_bytes_than_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_FILES", 3)
    monkeypatch.setattr(archive, "MOST_BYTES", 100)
    path = made(tmp_path / "x.zip", *((f"{index}", b"") for index in range(4)))
    assert refused(path, tmp_path / "one") == "the zip has 4 entries, at most 3 are read"
    path = made(tmp_path / "y.zip", ("a", bytes(60)), ("b", bytes(60)))
    assert refused(path, tmp_path / "two") == "the zip unpacks to 120 bytes, at most 100 are read"
    folder = tmp_path / "three"
    folder.mkdir()
    (folder / "a").write_bytes(bytes(101))
    with pytest.raises(OutputError, match="1 files of 101 bytes are more than a bundle may have"):
        write_zip(folder, tmp_path / "z.zip")
    monkeypatch.setattr(archive, "LARGEST_DIRECTORY", 10)
    assert refused(path, tmp_path / "four") == "the zip is larger than any bundle"


def test_what_is_encrypted_or_packed_by_rare_methods_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("a", b"a" * 100), compress_type=zipfile.ZIP_BZIP2)
    assert "compressed by a method that is not read" in refused(path, tmp_path / "one")
    content = bytearray(made(tmp_path / "y.zip", ("a", b"a")).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "y.zip").write_bytes(content)
    assert "which is encrypted" in refused(tmp_path / "y.zip", tmp_path / "two")


def small() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as zipped:
        zipped.writestr("edgeir.json", b"{}")
        zipped.writestr("golden/a.npy", bytes(range(200)), zipfile.ZIP_DEFLATED)
    return target.getvalue()


SMALL = small()


@pytest.mark.parametrize("length", range(0, len(SMALL), 13))
def test_every_truncation_is_one_line(length: int, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(SMALL[:length])
    refused(path, tmp_path / "out")


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 40),
    st.booleans(),
)
def test_a_changed_zip_is_refused_or_unpacked_inside(
    changes: list[tuple[int, int]], cut: int, tail: bool
) -> None:
    content = bytearray(SMALL)
    for position, value in changes:
        content[position] = value
    content = content[cut:] if tail else content
    with tempfile.TemporaryDirectory() as name:
        path, into = Path(name) / "x.zip", Path(name) / "out"
        path.write_bytes(content)
        into.mkdir()
        with contextlib.suppress(ArtifactError):
            unpack_zip(path, into)
        assert sorted(Path(name).iterdir()) == [into, path]
        assert not any(entry.is_symlink() for entry in into.rglob("*"))
