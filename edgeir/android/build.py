"""Put bundles into the app, sign it, and check the file that was written (`edgeir android`).

The app itself is a template in the cache (`edgeir.android.template`), so that only resources are linked, members are
zipped and the whole is signed for every package: seconds. The same bundles, choices and key give the same bytes.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Sequence
from importlib.metadata import version as installed
from pathlib import Path

from edgeir.android.bundles import Packed, pack_bundles
from edgeir.android.check import BUNDLES, Wanted, check_package
from edgeir.android.emulated import run_packaged
from edgeir.android.icon import Icon, icon_files, read_icon
from edgeir.android.keys import debug_key, given_key, sign
from edgeir.android.manifest import for_package, stated
from edgeir.android.names import check_application_id, check_name, chosen_abis, string_resource
from edgeir.android.package import Member, write_package
from edgeir.android.report import ApkReport, report_of
from edgeir.android.template import Template, template
from edgeir.android.tools import apksigner, run
from edgeir.core.assets import licence_text
from edgeir.core.errors import ConfigError, OutputError
from edgeir.core.files import atomic_file, refuse_existing, scratch_dir
from edgeir.core.progress import Progress, no_progress
from edgeir.devices.runner.library import NAME as LIBRARY_NAME

__all__ = ["APPLICATION_ID", "NAME", "build_apk"]

NAME, APPLICATION_ID = "edgeir", "org.edgeir.app"
SUFFIX = ".apk"
STRINGS = """<?xml version="1.0" encoding="utf-8"?>
<resources><string name="app_name" translatable="false">{name}</string></resources>
"""
STEPS = 5


def build_apk(
    bundles: Sequence[str | Path],
    *,
    out: str | Path,
    name: str = NAME,
    icon: str | Path | None = None,
    application_id: str = APPLICATION_ID,
    abis: Sequence[str] = (),
    keystore: str | Path | None = None,
    key_alias: str | None = None,
    password: str | None = None,
    key_password: str | None = None,
    golden: bool = True,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> ApkReport:
    """Write an Android app with these bundles, signed, and check the file.

    Args:
        bundles: folders or zips; each is verified first.
        out: the file to write; its name ends in ``.apk``.
        name: under the app's icon.
        icon: an image of any size; by default edgeir's.
        application_id: apps with different ids can be on one phone.
        abis: Android's names of processors, see `edgeir.android.names.ABIS`; all by default.
        keystore: with the key to sign with; by default one that is made once and kept in the cache folder.
        key_alias, password, key_password: see `edgeir.android.keys.given_key`.
        golden: run the packaged models on an emulated phone, where its parts are installed.

    Raises:
        ConfigError: no bundle is named, or a name, id, processor, key or password is wrong.
        ArtifactError: a bundle is none, is changed, or has no file that the app takes.
        ImageError: the icon cannot be read.
        OutputError: `out` exists already or cannot be written.
        DeviceError: a program is missing, or Maven cannot fetch a part; the message has the line that helps.
        ExportError: a step fails, or the written package is not as it should be.
        ParityError: a packaged model computes something else on the emulated phone than the network.
    """
    target = _checked_out(Path(out), overwrite=overwrite)
    shown, id_, chosen = check_name(name), check_application_id(application_id), chosen_abis(abis)
    drawn = None if icon is None else read_icon(Path(icon))
    apksigner()
    key = (
        debug_key()
        if keystore is None
        else given_key(Path(keystore), password=password, alias=key_alias, key_password=key_password)
    )
    with scratch_dir("apk") as work:
        packed = pack_bundles([Path(bundle) for bundle in bundles], work / "bundles", progress)
        made = template(progress)
        progress(1, STEPS, "linking the app's resources")
        linked = _linked(made, shown, id_, drawn, work)
        progress(2, STEPS, "signing the app")
        unsigned, signed = work / "unsigned.apk", work / "signed.apk"
        write_package(unsigned, _members(made, linked, packed, chosen))
        sign(unsigned, signed, key)
        progress(3, STEPS, "checking the app")
        said = stated(made.manifest)
        wanted = Wanted(
            application_id=id_,
            label=shown,
            version_name=installed("edgeir"),
            abis=chosen,
            permissions=said.permissions,
            exported=said.exported,
            bundles=packed,
        )
        checked = check_package(signed, wanted, made.base)
        runs = run_packaged(signed, packed, chosen, progress) if golden else ()
        progress(4, STEPS, f"writing {target.name}")
        with atomic_file(target) as temporary:
            shutil.copyfile(signed, temporary)
    return report_of(target, shown, chosen, key, packed, checked, runs)


def _checked_out(out: Path, *, overwrite: bool) -> Path:
    """Refuse what could not be written before the work."""
    if out.suffix.lower() != SUFFIX:
        raise ConfigError([f"the app's file is called `{out.name}`"], fix=f"let its name end in {SUFFIX}")
    if out.is_dir():
        raise OutputError("it is a folder, not a file", where=out, fix="choose another output")
    refuse_existing(out, overwrite=overwrite)
    above = next((folder for folder in out.absolute().parents if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise OutputError(
            "a part of the path is a file, not a folder", where=out, fix="choose another output"
        )
    if above is not None and not os.access(above, os.W_OK):
        raise OutputError(
            "no permission to write", where=out, fix="choose another output or change its permissions"
        )
    return out


def _linked(made: Template, name: str, application_id: str, icon: Icon | None, work: Path) -> Path:
    """The package's manifest and resources, as a zip."""
    aapt2, linked = made.base.aapt2, work / "linked.apk"
    manifest = work / "AndroidManifest.xml"
    manifest.write_text(
        for_package(made.manifest, application_id=application_id, version=installed("edgeir")),
        encoding="utf-8",
    )
    changed = {"values/strings.xml": STRINGS.format(name=string_resource(name)).encode()}
    changed |= {} if icon is None else icon_files(icon)
    for inside, content in changed.items():
        path = work / "res" / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    own = work / "own"
    own.mkdir()
    run([aapt2, "compile", "--dir", work / "res", "-o", own], "compiling the app's name and icon")
    resources = [path for path in made.resources if icon is None or not _is_icon(path)]
    words = [aapt2, "link", "-I", made.base.framework, "--manifest", manifest, "--stable-ids", made.ids]
    words += ["--rename-manifest-package", application_id, "--auto-add-overlay", "-o", linked]
    overlay = [word for path in sorted(own.glob("*.flat")) for word in ("-R", path)]
    run([*words, *resources, *overlay], "linking the app's resources")
    return linked


def _is_icon(path: Path) -> bool:
    """Whether a compiled resource is the app's own icon, at any density."""
    return path.name.startswith("mipmap") and "_ic_launcher." in path.name


def _members(made: Template, linked: Path, packed: Sequence[Packed], abis: Sequence[str]) -> list[Member]:
    """Everything that the package holds, in the order of the file."""
    with zipfile.ZipFile(linked) as archive:
        members = [Member(name, archive.read(name)) for name in sorted(archive.namelist())]
    members += [Member(path.name, path.read_bytes()) for path in made.classes]
    members += [
        Member(f"lib/{abi}/{LIBRARY_NAME}", made.base.library(abi).read_bytes()) for abi in sorted(abis)
    ]
    for one in packed:
        members += [
            Member(f"{BUNDLES}/{one.name}/{inside}", (one.folder / inside).read_bytes())
            for inside in one.files
        ]
    members.append(Member("assets/licences/edgeir.txt", licence_text().encode()))
    members.append(Member("assets/licences/tensorflow-lite.txt", made.base.licence.read_bytes()))
    return members
