"""What `edgeir android` says of a package that it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeir.android.bundles import Packed
from edgeir.android.check import Checked
from edgeir.android.emulated import PackagedRun
from edgeir.android.keys import Key
from edgeir.core.config import Config
from edgeir.core.files import sha256_file

__all__ = ["ApkReport", "PackagedBundle", "report_of"]


class PackagedBundle(Config):
    """A bundle in a package."""

    name: str
    """Of its folder in the package."""
    given: str
    source: str
    """The network."""
    files: tuple[str, ...]
    left_out: tuple[str, ...]
    """Files of other formats, and pictures of the proof."""


class ApkReport(Config):
    """A package that was written, and what was checked of it."""

    out: str
    bytes: int
    sha256: str
    name: str
    application_id: str
    version: str
    min_sdk: int
    target_sdk: int
    abis: tuple[str, ...]
    permissions: tuple[str, ...]
    certificate_sha256: str
    debug_key: bool
    """It is signed with the key that edgeir keeps in the cache folder."""
    bundles: tuple[PackagedBundle, ...]
    golden_bytes: int
    """Of the golden arrays in it, before they are compressed."""
    golden: tuple[PackagedRun, ...]
    """The models on the emulated phone; none where that was not asked for."""


def report_of(
    out: Path,
    name: str,
    abis: tuple[str, ...],
    key: Key,
    packed: Sequence[Packed],
    checked: Checked,
    runs: tuple[PackagedRun, ...],
) -> ApkReport:
    """The report of a package that was written to `out`."""
    badging = checked.badging
    return ApkReport(
        out=str(out),
        bytes=out.stat().st_size,
        sha256=sha256_file(out),
        name=name,
        application_id=badging.package,
        version=badging.version_name,
        min_sdk=badging.min_sdk,
        target_sdk=badging.target_sdk,
        abis=abis,
        permissions=tuple(sorted(badging.permissions)),
        certificate_sha256=checked.certificate,
        debug_key=key.debug,
        bundles=tuple(
            PackagedBundle(
                name=one.name,
                given=str(one.given),
                source=one.bundle.source,
                files=one.files,
                left_out=one.left_out,
            )
            for one in packed
        ),
        golden_bytes=sum(one.golden_bytes for one in packed),
        golden=runs,
    )
