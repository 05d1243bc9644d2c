"""Whether a written package is what it should be: read again by Android's own tools and byte by byte.

Nothing here looks at what was meant to be written but at the file: its manifest as ``aapt2`` reads it, its signatures
as ``apksigner`` verifies them, where its members lie, and that models and libraries are the bytes that they came from.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeir.android.artifacts import MIN_SDK, TARGET_SDK
from edgeir.android.base import Base
from edgeir.android.bundles import Packed
from edgeir.android.describe import Badging, read_badging, read_components, read_signatures
from edgeir.android.dex import defined_classes
from edgeir.android.package import alignment_of, placed_members
from edgeir.android.tools import apksigner, run
from edgeir.core.errors import ExportError
from edgeir.devices.runner.library import NAME as LIBRARY_NAME
from edgeir.manifest.bundle import BUNDLE_NAME

__all__ = ["BUNDLES", "FORBIDDEN", "Checked", "Wanted", "check_package"]

BUNDLES = "assets/bundles"
FORBIDDEN = frozenset({"android.permission.INTERNET", "android.permission.ACCESS_NETWORK_STATE"})
"""A photo cannot leave the phone through an app without them."""
SCHEMES = frozenset({2, 3})


@dataclass(frozen=True)
class Wanted:
    """What a package should say of itself.

    Attributes:
        permissions, exported: those of the app's sources.
        bundles: what lies below `BUNDLES`.
    """

    application_id: str
    label: str
    version_name: str
    abis: tuple[str, ...]
    permissions: frozenset[str]
    exported: frozenset[str]
    bundles: Sequence[Packed]


@dataclass(frozen=True)
class Checked:
    """What was found in a package that is right.

    Attributes:
        certificate: SHA-256 of the certificate that it is signed with.
    """

    badging: Badging
    certificate: str


def check_package(path: Path, wanted: Wanted, base: Base) -> Checked:
    """Check a signed package.

    Raises:
        ExportError: something is not as wanted; the message has all of it.
        DeviceError: ``apksigner`` is not installed.
    """
    badging = read_badging(run([base.aapt2, "dump", "badging", path], "reading the app's manifest"))
    tree = [base.aapt2, "dump", "xmltree", "--file", "AndroidManifest.xml", path]
    components = read_components(run(tree, "reading the app's components"))
    verify = [apksigner(), "verify", "--verbose", "--print-certs", "--min-sdk-version", str(MIN_SDK), path]
    signatures = read_signatures(run(verify, "verifying the app's signature"))
    problems = [
        *_said(badging, wanted),
        *_differs("exported components", components.exported, wanted.exported),
        *_differs("signature schemes", signatures.schemes, SCHEMES),
        *([] if len(signatures.certificates) == 1 else ["it is not signed with one certificate"]),
        *_placed(path),
        *_undefined(path, components.classes),
        *_contents(path, wanted, base),
    ]
    if problems:
        raise ExportError(f"the package is not as it should be: {'; '.join(problems)}")
    return Checked(badging, signatures.certificates[0])


def _said(badging: Badging, wanted: Wanted) -> list[str]:
    """What the manifest should say, and does not."""
    pairs = (
        ("application id", badging.package, wanted.application_id),
        ("name", badging.label, wanted.label),
        ("version", badging.version_name, wanted.version_name),
        ("oldest Android", badging.min_sdk, MIN_SDK),
        ("Android that it is made for", badging.target_sdk, TARGET_SDK),
        ("may be debugged", badging.debuggable, False),
    )
    problems = [f"{what}: {is_!r} instead of {should!r}" for what, is_, should in pairs if is_ != should]
    if badging.activity is None:
        problems.append("the launcher has nothing to start")
    if forbidden := (badging.permissions | badging.implied) & FORBIDDEN:
        problems.append(f"it asks for {', '.join(sorted(forbidden))}")
    return [
        *problems,
        *_differs("permissions", badging.permissions, wanted.permissions),
        *_differs("processors", badging.abis, wanted.abis),
    ]


def _differs(what: str, found: Iterable[object], should: Iterable[object]) -> list[str]:
    have, want = {str(one) for one in found}, {str(one) for one in should}
    problems = []
    if more := sorted(have - want):
        problems.append(f"too many {what}: {', '.join(more)}")
    if less := sorted(want - have):
        problems.append(f"missing {what}: {', '.join(less)}")
    return problems


def _placed(path: Path) -> list[str]:
    """Members that should be stored at a multiple of some bytes, and are not."""
    problems = []
    for member in placed_members(path):
        alignment = alignment_of(member.name)
        if alignment is not None and not member.stored:
            problems.append(f"`{member.name}` is compressed")
        elif alignment is not None and member.offset % alignment:
            problems.append(f"`{member.name}` begins at byte {member.offset}, no multiple of {alignment}")
    return problems


def _undefined(path: Path, components: frozenset[str]) -> list[str]:
    """Components of the manifest that no class of the package is."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dex") and "/" not in name]
        defined = frozenset[str]().union(*(defined_classes(archive.read(name)) for name in names))
    return [
        f"the manifest names the class {name}, which is not there" for name in sorted(components - defined)
    ]


def _contents(path: Path, wanted: Wanted, base: Base) -> list[str]:
    """Bundles that are not as their manifests say, and libraries that are not those published."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        needed = {f"lib/{abi}/{LIBRARY_NAME}": base.library(abi) for abi in wanted.abis}
        problems = [
            f"`{name}` is not TensorFlow Lite's library"
            for name, origin in needed.items()
            if name not in names or archive.read(name) != origin.read_bytes()
        ]
        libraries = {name for name in names if name.startswith("lib/")}
        problems += _differs("libraries", libraries, set(needed))
        assets = {name for name in names if name.startswith(f"{BUNDLES}/")}
        listed = {f"{BUNDLES}/{packed.name}/{inside}" for packed in wanted.bundles for inside in packed.files}
        problems += _differs("files of bundles", assets, listed)
        for packed in wanted.bundles:
            for inside in packed.files:
                name = f"{BUNDLES}/{packed.name}/{inside}"
                if inside == BUNDLE_NAME or name not in names:
                    continue
                stated = packed.bundle.contents[inside].sha256
                if hashlib.sha256(archive.read(name)).hexdigest() != stated:
                    problems.append(f"`{name}` is not the file of the bundle's manifest")
    return problems
