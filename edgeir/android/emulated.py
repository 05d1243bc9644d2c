"""The models of a written package on an emulated phone, by the very library that lies in the package.

Model and library are taken out of the package again, golden arrays from the bundle, which has all of them; what runs
them is the device ``android-arm64`` (`edgeir.devices.arm64`).
Where its emulator or compiler is missing, that is said, and nothing fails.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from edgeir.android.bundles import Packed, taken_files
from edgeir.android.check import BUNDLES
from edgeir.core.config import Config
from edgeir.core.errors import DeviceError, ParityError
from edgeir.core.files import scratch_dir
from edgeir.core.progress import Progress, no_progress
from edgeir.devices.arm64.cores import ARM64_CORES, DEFAULT_CORE
from edgeir.devices.arm64.device import EmulatedPhone
from edgeir.devices.runner.library import NAME as LIBRARY_NAME
from edgeir.exporting.bundle.verify import bundle_folder
from edgeir.exporting.prove.golden import golden_problem, run_golden
from edgeir.manifest.artifact import read_artifact

__all__ = ["ABI", "PackagedRun", "run_packaged"]

ABI = "arm64-v8a"


class PackagedRun(Config):
    """A model of a package on its golden input."""

    path: str
    """In the package; ``*`` for all."""
    status: Literal["passed", "not run"]
    reason: str | None = None
    """Why it was not run."""
    engine: str | None = None
    system: str | None = None
    max_abs_error: float | None = None
    """Largest difference from the network, on [0, 1]."""
    drift: float | None = None
    """Largest difference from the output at the export."""


def run_packaged(
    package: Path, bundles: Sequence[Packed], abis: Sequence[str], progress: Progress = no_progress
) -> tuple[PackagedRun, ...]:
    """Run every model of the package that has a golden image.

    Raises:
        ParityError: one computes something else there than the network.
        ArtifactError: one cannot be run there.
        DeviceError: the library does not start.
    """
    if ABI not in abis:
        return (PackagedRun(path="*", status="not run", reason=f"the app has no library for {ABI}"),)
    with scratch_dir("packaged") as folder:
        library = folder / LIBRARY_NAME
        with zipfile.ZipFile(package) as archive:
            _taken(archive, f"lib/{ABI}/{LIBRARY_NAME}", library)
            for packed in bundles:
                for file in taken_files(packed.bundle):
                    _taken(archive, f"{BUNDLES}/{packed.name}/{file.path}", folder / packed.name / file.path)
        core = next(core for core in ARM64_CORES if core.name == DEFAULT_CORE)
        try:
            phone = EmulatedPhone(f"android-arm64:{core.name}", core, library=library)
        except DeviceError as error:
            if error.fix is None:  # nothing is missing: the library of the package does not start
                raise
            return (PackagedRun(path="*", status="not run", reason=str(error)),)
        try:
            return tuple(_runs(phone, folder, bundles, progress))
        finally:
            phone.close()


def _taken(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, target.open("wb") as stream:
        shutil.copyfileobj(source, stream)


def _runs(
    phone: EmulatedPhone, folder: Path, bundles: Sequence[Packed], progress: Progress
) -> list[PackagedRun]:
    runs = []
    for packed in bundles:
        with bundle_folder(packed.given) as given:
            runs += _runs_of(phone, folder / packed.name, packed, given, progress)
    return runs


def _runs_of(
    phone: EmulatedPhone, place: Path, packed: Packed, given: Path, progress: Progress
) -> list[PackagedRun]:
    """The models of one bundle: those in the folder `place` on the golden arrays in the folder `given`."""
    todo = taken_files(packed.bundle)
    runs = []
    for index, file in enumerate(todo):
        name = f"{BUNDLES}/{packed.name}/{file.path}"
        progress(index, len(todo), f"running {file.path} on {phone.facts.title}")
        if file.golden is None:
            runs.append(
                PackagedRun(path=name, status="not run", reason="the bundle has no golden arrays for it")
            )
            continue
        artifact, _ = read_artifact(given, verify=False)
        session = phone.open(place / file.path, artifact, file)
        try:
            found = run_golden(
                given, artifact, file, file.golden, session=session, engine=phone.facts.runtime
            )
        finally:
            session.close()
        if (problem := golden_problem(found, file.golden)) is not None:
            raise ParityError(
                f"{problem}, on {phone.facts.device}", where=name, fix="choose a higher precision"
            )
        runs.append(
            PackagedRun(
                path=name,
                status="passed",
                engine=phone.facts.runtime,
                system=phone.facts.title,
                max_abs_error=found.max_abs_error,
                drift=found.drift,
            )
        )
    return runs
