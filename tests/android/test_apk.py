"""A whole package, as `edgeir android` writes it: built, opened again, run, and spoilt in every way that is checked.

``make android`` runs these where the tools are installed (``make android-setup``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from edgeir.android import build
from edgeir.android.build import build_apk
from edgeir.android.check import BUNDLES, Wanted, check_package
from edgeir.android.emulated import run_packaged
from edgeir.android.keys import debug_key, sign
from edgeir.android.manifest import stated
from edgeir.android.names import ABIS
from edgeir.android.package import Member, placed_members, write_package
from edgeir.android.report import ApkReport
from edgeir.android.template import Template
from edgeir.cli.app import main
from edgeir.core.errors import ConfigError, ExportError
from edgeir.devices.runner.elf import MACHINES
from edgeir.devices.runner.library import NAME as LIBRARY

pytestmark = [pytest.mark.slow, pytest.mark.android]

ARM64_MOST, ALL_MOST = 5_000_000, 12_000_000
"""Bytes that an app with sr-x4 and sr-x4-xs may have."""


@pytest.fixture(scope="module")
def zoo(built: Template, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """sr-x4 and sr-x4-xs in int8, of small files."""
    pytest.importorskip("litert_torch")
    import edgeir

    folder = tmp_path_factory.mktemp("zoo")
    for name in ("sr-x4", "sr-x4-xs"):
        edgeir.export_bundle(
            name,
            profiles=["tflite-int8=uint8"],
            sizes=[(48, 48)],
            out=folder / f"{name}.zip",
            worst_image=False,
        )
    return [folder / "sr-x4.zip", folder / "sr-x4-xs.zip"]


@pytest.fixture(scope="module")
def app(zoo: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ApkReport]:
    """All processors, without the emulated phone."""
    out = tmp_path_factory.mktemp("app") / "restore.apk"
    return out, build_apk(zoo, out=out, golden=False)


def test_the_sizes(zoo: list[Path], app: tuple[Path, ApkReport], tmp_path: Path) -> None:
    small = build_apk(zoo, out=tmp_path / "small.apk", abis=["arm64-v8a"], golden=False)
    assert small.bytes == (tmp_path / "small.apk").stat().st_size <= ARM64_MOST
    assert app[1].bytes <= ALL_MOST
    assert (small.abis, app[1].abis) == (("arm64-v8a",), ABIS)


def test_the_same_bytes_twice(zoo: list[Path], app: tuple[Path, ApkReport], tmp_path: Path) -> None:
    again = build_apk(zoo, out=tmp_path / "again.apk", golden=False)
    assert (tmp_path / "again.apk").read_bytes() == app[0].read_bytes()
    assert again.sha256 == app[1].sha256 == hashlib.sha256(app[0].read_bytes()).hexdigest()


def test_what_the_report_says(app: tuple[Path, ApkReport]) -> None:
    report = app[1]
    assert (report.application_id, report.name) == ("org.edgeir.app", "edgeir")
    assert (report.min_sdk, report.target_sdk) == (24, 35)
    assert not [name for name in report.permissions if "INTERNET" in name or "NETWORK" in name]
    assert report.debug_key
    assert [(one.name, one.source) for one in report.bundles] == [
        ("sr-x4", "sr-x4"),
        ("sr-x4-xs", "sr-x4-xs"),
    ]


def test_models_and_libraries_are_mapped_as_they_lie(app: tuple[Path, ApkReport]) -> None:
    members = {member.name: member for member in placed_members(app[0])}
    raw = app[0].read_bytes()
    models = [member for name, member in members.items() if name.endswith(".tflite")]
    assert len(models) == 2
    for member in models:
        assert member.stored
        assert member.offset % 4 == 0
        assert raw[member.offset + 4 : member.offset + 8] == b"TFL3"
    for abi in ABIS:
        member = members[f"lib/{abi}/{LIBRARY}"]
        assert member.stored
        assert member.offset % 16384 == 0
        assert struct.unpack_from("<H", raw, member.offset + 18) == (MACHINES[abi],)
    assert {name.split("/")[1] for name in members if name.startswith("lib/")} == set(ABIS)


def test_a_name_an_icon_and_an_id_of_its_own(zoo: list[Path], built: Template, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (250, 10, 10)).save(tmp_path / "icon.png")
    out = tmp_path / "own.apk"
    name = 'Bär & "Söhne\'s" <x> \\ @string/app_name'
    words = ["android", str(zoo[1]), "--out", str(out), "--name", name, "--icon", str(tmp_path / "icon.png")]
    assert main([*words, "--application-id", "de.baer.x1", "--abi", "x86_64", "--no-golden", "-q"]) == 0
    aapt2 = [str(built.base.aapt2), "dump"]
    badging = subprocess.run([*aapt2, "badging", str(out)], capture_output=True, text=True, check=True).stdout
    assert "package: name='de.baer.x1'" in badging
    assert "launchable-activity: name='org.edgeir.app.MainActivity'" in badging
    tree = subprocess.run(
        [*aapt2, "xmltree", "--file", "AndroidManifest.xml", str(out)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert '"de.baer.x1.files"' in tree
    assert "${applicationId}" not in tree
    with zipfile.ZipFile(out) as archive:
        icons = [
            Image.open(archive.open(name)) for name in archive.namelist() if name.endswith("ic_launcher.png")
        ]
        sizes = sorted(icon.size for icon in icons)
        middle = [icon.convert("RGBA").getpixel((icon.width // 2, icon.height // 2)) for icon in icons]
    assert sizes == [(side, side) for side in (48, 72, 96, 144, 192)]
    assert set(middle) == {(250, 10, 10, 255)}


def test_the_packaged_models_run_on_an_emulated_phone(zoo: list[Path], tmp_path: Path) -> None:
    report = build_apk(zoo, out=tmp_path / "run.apk", abis=["arm64-v8a"])
    if report.golden[0].status == "not run":
        pytest.skip(str(report.golden[0].reason))
    assert [run.status for run in report.golden] == ["passed", "passed"]
    assert [run.drift for run in report.golden] == [0, 0]
    assert {run.engine for run in report.golden} == {"TensorFlow Lite 2.16.1 (arm64-v8a)"}


def test_without_an_arm64_library_nothing_is_run(app: tuple[Path, ApkReport]) -> None:
    (run,) = run_packaged(app[0], (), ["x86_64"])
    assert (run.status, run.reason) == ("not run", "the app has no library for arm64-v8a")


def test_a_wrong_password_leaves_nothing(
    zoo: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = debug_key()
    with pytest.raises(ConfigError, match="the password is wrong"):
        build_apk(zoo, out=tmp_path / "a.apk", keystore=key.keystore, password="wrong-one")
    with pytest.raises(ConfigError, match="the password is wrong"):
        sign(tmp_path / "none.apk", tmp_path / "signed.apk", dataclasses.replace(key, password="wrong-one"))
    assert list(tmp_path.iterdir()) == []


def test_a_key_of_one_s_own(zoo: list[Path], app: tuple[Path, ApkReport], tmp_path: Path) -> None:
    own = debug_key().keystore
    report = build_apk(zoo, out=tmp_path / "own.apk", keystore=own, password="android", golden=False)
    assert not report.debug_key
    assert report.certificate_sha256 == app[1].certificate_sha256
    assert (tmp_path / "own.apk").read_bytes() == app[0].read_bytes()


# --- what is wrong with a written file is found


MODELS = [f"{BUNDLES}/{name}/tflite-int8-uint8-48x48.tflite" for name in ("sr-x4", "sr-x4-xs")]
LIBRARIES = {abi: f"lib/{abi}/{LIBRARY}" for abi in ABIS}


def spoilt(members: list[Member]) -> list[Member]:
    """Everything wrong at once that a package can be: what is told is all of it."""
    gone = {MODELS[1], LIBRARIES["armeabi-v7a"], "classes.dex"}
    changed = {MODELS[0], LIBRARIES["x86_64"]}
    kept = [
        Member(one.name, one.content[:-1] + bytes([one.content[-1] ^ 1])) if one.name in changed else one
        for one in members
        if one.name not in gone
    ]
    return [
        *kept,
        Member(f"{BUNDLES}/sr-x4/extra.bin", b"x"),
        Member("lib/x86/libother.so", b"x"),
        Member("classes.dex", b"dex\n039\0".ljust(0x70, b"\0")),
    ]


def test_a_spoilt_package_is_refused_with_all_that_is_wrong(
    zoo: list[Path], built: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The members are spoilt on their way into the file, which is then signed as usual."""
    monkeypatch.setattr(
        build, "write_package", lambda path, members: write_package(path, spoilt(list(members)))
    )
    with pytest.raises(ExportError) as found:
        build_apk(zoo, out=tmp_path / "a.apk", golden=False)
    for problem in (
        f"`{MODELS[0]}` is not the file of the bundle's manifest",
        f"missing files of bundles: {MODELS[1]}",
        f"too many files of bundles: {BUNDLES}/sr-x4/extra.bin",
        f"`{LIBRARIES['x86_64']}` is not TensorFlow Lite's library",
        f"missing libraries: {LIBRARIES['armeabi-v7a']}",
        "too many libraries: lib/x86/libother.so",
        "missing processors: armeabi-v7a",
        "too many processors: x86",
        "the manifest names the class org.edgeir.app.MainActivity, which is not there",
    ):
        assert problem in str(found.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def wanted(app: tuple[Path, ApkReport], built: Template) -> Wanted:
    said = stated(built.manifest)
    return Wanted("org.edgeir.app", "edgeir", app[1].version, ABIS, said.permissions, said.exported, ())


def test_what_is_not_as_wanted_is_told(app: tuple[Path, ApkReport], wanted: Wanted, built: Template) -> None:
    other = dataclasses.replace(
        wanted,
        application_id="de.x.y",
        label="other",
        version_name="9",
        abis=("arm64-v8a",),
        permissions=frozenset({"android.permission.CAMERA"}),
        exported=frozenset(),
    )
    with pytest.raises(ExportError) as found:
        check_package(app[0], other, built.base)
    for problem in (
        "application id: 'org.edgeir.app' instead of 'de.x.y'",
        "name: 'edgeir' instead of 'other'",
        f"version: '{app[1].version}' instead of '9'",
        "too many permissions: android.permission.ACCESS_MEDIA_LOCATION, ",
        "missing permissions: android.permission.CAMERA",
        "too many exported components: org.edgeir.app.MainActivity",
        "too many processors: armeabi-v7a, x86_64",
    ):
        assert problem in str(found.value)


def test_a_byte_changed_after_the_signature_is_found(
    app: tuple[Path, ApkReport], wanted: Wanted, built: Template, tmp_path: Path
) -> None:
    content = bytearray(app[0].read_bytes())
    place = next(one.offset for one in placed_members(app[0]) if one.name == MODELS[0])
    content[place + 100] ^= 1
    (tmp_path / "a.apk").write_bytes(content)
    with pytest.raises(ExportError, match="verifying the app's signature failed"):
        check_package(tmp_path / "a.apk", wanted, built.base)


def test_members_that_are_not_aligned_are_found(
    zoo: list[Path], app: tuple[Path, ApkReport], wanted: Wanted, built: Template, tmp_path: Path
) -> None:
    """As a zip program writes them that knows nothing of alignment."""
    plain, signed = tmp_path / "plain.apk", tmp_path / "signed.apk"
    with zipfile.ZipFile(app[0]) as source, zipfile.ZipFile(plain, "w") as archive:
        for info in source.infolist():
            kind = zipfile.ZIP_DEFLATED if info.filename == MODELS[0] else info.compress_type
            archive.writestr(info.filename, source.read(info.filename), compress_type=kind)
    key = debug_key()
    sign(plain, signed, key)
    with pytest.raises(ExportError) as found:
        check_package(signed, wanted, built.base)
    assert f"`{MODELS[0]}` is compressed" in str(found.value)
    assert "no multiple of 16384" in str(found.value)


@pytest.mark.skipif(shutil.which("zipalign") is None, reason="zipalign is not installed")
def test_android_s_own_zipalign_agrees(app: tuple[Path, ApkReport]) -> None:
    done = subprocess.run(
        ["zipalign", "-c", "-p", "4", str(app[0])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
