"""Running packaged models where the emulated phone is missing, and where the packaged library is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgeir.android.bundles import pack_bundles
from edgeir.android.check import BUNDLES
from edgeir.android.emulated import run_packaged
from edgeir.android.package import Member, write_package
from edgeir.core.errors import DeviceError
from edgeir.devices.runner.library import NAME

LIBRARY = f"lib/arm64-v8a/{NAME}"


def test_what_is_missing_is_said_and_nothing_fails(tmp_path: Path, nothing_installed: Path) -> None:
    write_package(tmp_path / "a.apk", [Member(LIBRARY, b"library")])
    (run,) = run_packaged(tmp_path / "a.apk", (), ["arm64-v8a"])
    assert (run.path, run.status) == ("*", "not run")
    assert run.reason == "`qemu-aarch64` is not installed (apt-get install qemu-user)"


@pytest.mark.skipif(
    shutil.which("qemu-aarch64") is None, reason="qemu-aarch64 is not installed (make arm64-setup)"
)
def test_a_library_that_is_none_is_no_missing_part(zipped: Path, tmp_path: Path) -> None:
    (packed,) = pack_bundles([zipped], tmp_path / "bundles")
    members = [
        Member(f"{BUNDLES}/{packed.name}/{path}", (packed.folder / path).read_bytes())
        for path in packed.files
    ]
    write_package(tmp_path / "a.apk", [*members, Member(LIBRARY, b"no library")])
    with pytest.raises(DeviceError, match="it is no ELF library"):
        run_packaged(tmp_path / "a.apk", [packed], ["arm64-v8a"])
