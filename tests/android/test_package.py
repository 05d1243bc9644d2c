"""The zip of a package: alignment of what is stored, the same bytes twice, readable by another implementation."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeir.android.package import FIELD, Member, alignment_of, placed_members, write_package

NAMES = (
    "a.tflite",
    "lib/arm64-v8a/lib.so",
    "resources.arsc",
    "x.json",
    "golden/ä.npy",
    "res/i.png",
    "classes.dex",
)
CONTENTS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.binary(max_size=300)), max_size=7, unique_by=lambda one: one[0]
)


@given(CONTENTS)
def test_what_is_stored_begins_at_a_multiple_and_all_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, contents: list[tuple[str, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("zip") / "a.apk"
    write_package(path, [Member(name, content) for name, content in contents])
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert [(name, archive.read(name)) for name in archive.namelist()] == contents
    for placed, (name, content) in zip(placed_members(path), contents, strict=True):
        alignment = alignment_of(name)
        assert placed.stored == (alignment is not None)
        if alignment is not None:
            assert placed.offset % alignment == 0
            assert raw[placed.offset : placed.offset + placed.size] == content


def test_libraries_are_at_whole_pages_and_models_at_words() -> None:
    assert alignment_of("lib/x86_64/libtensorflowlite_jni.so") == 16384
    assert alignment_of("assets/bundles/a/tflite-int8.tflite") == 4
    assert alignment_of("assets/bundles/a/edgeir.json") is None
    assert alignment_of("classes.dex") is None


def test_the_extra_field_says_the_alignment(tmp_path: Path) -> None:
    path = tmp_path / "a.apk"
    write_package(path, [Member("odd", b"x"), Member("lib/a/l.so", b"library")])
    start = path.read_bytes().index(b"lib/a/l.so")
    identifier, size, alignment = struct.unpack_from("<HHH", path.read_bytes(), start + len("lib/a/l.so"))
    assert (identifier, alignment) == (FIELD, 16384)
    assert start + len("lib/a/l.so") + 4 + size == placed_members(path)[1].offset == 16384


def test_the_same_members_give_the_same_bytes(tmp_path: Path) -> None:
    members = [Member("a.tflite", bytes(100)), Member("b.json", b"{}" * 50)]
    for name in ("1.apk", "2.apk"):
        write_package(tmp_path / name, members)
    assert (tmp_path / "1.apk").read_bytes() == (tmp_path / "2.apk").read_bytes()


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="twice"):
        write_package(tmp_path / "a.apk", [Member("a", b""), Member("a", b"")])


@pytest.mark.skipif(shutil.which("zipalign") is None, reason="zipalign is not installed")
def test_android_s_own_zipalign_agrees(tmp_path: Path) -> None:
    path = tmp_path / "a.apk"
    write_package(path, [Member("x", b"123"), Member("a.tflite", b"m" * 77), Member("lib/a/l.so", b"l" * 5)])
    done = subprocess.run(
        ["zipalign", "-c", "-p", "4", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
