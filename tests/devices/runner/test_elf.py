"""A library whose dependencies were taken out: another linker's tools see none, and nothing else changed."""

import re
import shutil
import subprocess

import pytest

from edgeir.core.errors import DeviceError
from edgeir.devices.runner.elf import without_dependencies


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """A library of this machine that needs libm, and versions of its symbols."""
    for name, package in (("gcc", "gcc"), ("readelf", "binutils")):
        if shutil.which(name) is None:
            pytest.skip(f"no {name} here (apt-get install {package})")
    folder = tmp_path_factory.mktemp("library")
    (folder / "a.c").write_text("#include <math.h>\ndouble twice(double x) { return cbrt(x) + exp(x); }\n")
    (folder / "map").write_text("OURS { global: twice; local: *; };\n")
    words = ["-shared", "-fPIC", "-Wl,--no-as-needed", f"-Wl,--version-script={folder / 'map'}"]
    subprocess.run(
        ["gcc", *words, "-Wl,-soname,ours", "-o", folder / "a.so", folder / "a.c", "-lm"], check=True
    )
    return folder / "a.so"


def dynamic(path):
    out = subprocess.run(["readelf", "-dW", path], capture_output=True, text=True, check=True).stdout
    return re.findall(r"^ 0x[0-9a-f]+ \((\w+)\)", out, re.MULTILINE)


def test_readelf_sees_no_dependency_afterwards(library, tmp_path):
    before = dynamic(library)
    assert {"NEEDED", "VERNEED", "VERNEEDNUM", "VERSYM", "VERDEF", "SONAME"} <= set(before)
    content = library.read_bytes()
    changed = without_dependencies(content, "x86_64")
    (tmp_path / "b.so").write_bytes(changed)
    after = dynamic(tmp_path / "b.so")
    assert not {"NEEDED", "VERNEED", "VERNEEDNUM", "VERSYM", "VERDEF", "VERDEFNUM"} & set(after)
    assert "SONAME" in after
    entries = sum(
        tag in ("NEEDED", "VERNEED", "VERNEEDNUM", "VERSYM", "VERDEF", "VERDEFNUM") for tag in before
    )
    assert len(changed) == len(content)
    assert sum(a != b for a, b in zip(content, changed, strict=True)) <= 8 * entries
    assert without_dependencies(changed, "x86_64") == changed


def test_what_is_no_library_for_the_processor_is_refused(library):
    content = library.read_bytes()
    with pytest.raises(DeviceError, match=r"it is no library for arm64-v8a: its machine is 62, not 183"):
        without_dependencies(content, "arm64-v8a")
    for wrong in (b"", b"PK\x03\x04" + bytes(100), b"\x7fELF"):
        with pytest.raises((DeviceError), match="no ELF library|ends too early"):
            without_dependencies(wrong, "x86_64")
    with pytest.raises(DeviceError, match="ends too early"):
        without_dependencies(content[:1000], "x86_64")
