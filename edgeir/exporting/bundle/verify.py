"""``edgeir verify``: whether a bundle is whole, unchanged, and computes here what it did where it was made.

Nothing in it is trusted: a zip is unpacked with bounds, paths stay inside, links are not followed. Works without torch.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from edgeir.core.archive import unpack_zip
from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError, EdgeIRError, MissingExtraError
from edgeir.core.files import scratch_dir, sha256_file, sha256_tree, tree_bytes
from edgeir.core.progress import Progress, no_progress
from edgeir.exporting.prove.golden import golden_problem, run_golden
from edgeir.manifest.artifact import Artifact, ModelFile, read_artifact
from edgeir.manifest.bundle import BUNDLE_NAME, Bundle, read_bundle
from edgeir.runtime import catalog

__all__ = ["BundleReport", "Fault", "GoldenRun", "bundle_folder", "faults_of", "listed", "verify"]


class Fault(Config):
    """One thing that is wrong with a bundle."""

    kind: Literal["missing", "extra", "link", "changed", "golden"]
    """`changed`: a checksum or size is another; `golden`: the file cannot run, or computes something else."""
    path: str
    what: str


class GoldenRun(Config):
    """A model file on its golden input, by one runtime."""

    path: str
    runtime: str
    """A name of `edgeir.runtime.catalog`."""
    status: Literal["passed", "failed", "not run"]
    reason: str | None = None
    """Why it failed or was not run."""
    command: str | None = None
    """What runs it elsewhere."""
    engine: str | None = None
    """What ran it: a runtime and its version."""
    max_abs_error: float | None = None
    """Largest difference from the network, on [0, 1]."""
    limit: float | None = None
    """What is allowed of that."""
    drift: float | None = None
    """Largest difference from the output at the export."""


class BundleReport(Config):
    """What `verify` found."""

    bundle: str
    source: str
    format: str
    models: int
    files: int
    """That the manifest lists."""
    bytes: int
    """Of these."""
    faults: tuple[Fault, ...] = ()
    golden: tuple[GoldenRun, ...] = ()


def verify(bundle: str | Path, *, progress: Progress = no_progress) -> BundleReport:
    """Check a bundle's manifest, the checksum of every file, and every golden pair that can run here.

    A model is run only if its own files and its golden arrays are those of the manifest.

    Args:
        bundle: a folder, its ``edgeir.json``, or a zip.

    Raises:
        ArtifactError: no bundle, a damaged manifest or one of a newer edgeir, or a zip that is damaged or unsafe. All
            other faults are in the report.
    """
    with bundle_folder(Path(bundle)) as folder:
        manifest = read_bundle(folder)
        faults = faults_of(folder, manifest)
        golden: list[GoldenRun] = []
        broken = {fault.path for fault in faults}
        for index, file in enumerate(manifest.files):
            progress(index, len(manifest.files), f"running {file.path}")
            if not broken & _needed(file, manifest):
                golden += _runs(folder, file, str(bundle))
    failed = [
        Fault(kind="golden", path=run.path, what=run.reason or "") for run in golden if run.status == "failed"
    ]
    return BundleReport(
        bundle=str(bundle),
        source=manifest.source,
        format=manifest.format,
        models=len(manifest.files),
        files=len(manifest.contents),
        bytes=sum(content.bytes for content in manifest.contents.values()),
        faults=(*faults, *failed),
        golden=tuple(golden),
    )


@contextlib.contextmanager
def bundle_folder(path: Path) -> Iterator[Path]:
    """The folder of a bundle; a zip is unpacked into one that is removed at the end."""
    if path.is_dir():
        yield path
    elif path.name == BUNDLE_NAME and path.is_file():
        yield path.parent
    elif path.is_file():
        with scratch_dir("verify") as scratch:
            unpack_zip(path, scratch)
            try:
                yield scratch
            except ArtifactError as error:  # names the zip, not the folder that is gone
                inside = (error.where or str(scratch)).replace(str(scratch), str(path))
                raise ArtifactError(error.what, where=inside, fix=error.fix) from error
    else:
        raise ArtifactError("there is no such file or folder", where=path)


def faults_of(folder: Path, bundle: Bundle) -> list[Fault]:
    """What is missing, too much or changed among the files of `folder`, in this order."""
    there, links = listed(folder)
    wanted = set(bundle.contents)
    missing = [
        Fault(kind="missing", path=path, what="the file is missing")
        for path in sorted(wanted - there - links)
    ]
    extra = [
        Fault(kind="extra", path=path, what="the manifest does not list it")
        for path in sorted(there - wanted - {BUNDLE_NAME})
    ]
    linked = [Fault(kind="link", path=path, what="a link, not a file") for path in sorted(links)]
    changed = [
        fault for path in sorted(wanted & there) if (fault := _changed(folder, path, bundle)) is not None
    ]
    broken = {fault.path for fault in (*missing, *linked, *changed)}
    described = [
        Fault(kind="changed", path=file.path, what="the manifest gives two checksums or sizes for it")
        for file in bundle.files
        if not broken & _needed(file, bundle) and not _is_described(folder / file.path, file)
    ]
    return [*missing, *extra, *linked, *changed, *described]


def listed(folder: Path) -> tuple[set[str], set[str]]:
    """Relative paths of all files, and of all links (and other things that are no files), which are not followed."""
    files, links = set(), set()
    for root, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(root) / name
            # A name that is no text can be shown, and is no name of a bundle.
            relative = path.relative_to(folder).as_posix().encode(errors="backslashreplace").decode()
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                links.add(relative)
            elif name in names:
                files.add(relative)
    return files, links


def _changed(folder: Path, path: str, bundle: Bundle) -> Fault | None:
    content, file = bundle.contents[path], folder / path
    if (size := file.stat().st_size) != content.bytes:
        return Fault(kind="changed", path=path, what=f"{size:,} bytes instead of {content.bytes:,}")
    if (actual := sha256_file(file)) != content.sha256:
        what = f"changed after it was made: sha256 {actual[:12]}… instead of {content.sha256[:12]}…"
        return Fault(kind="changed", path=path, what=what)
    return None


def _needed(file: ModelFile, bundle: Bundle) -> set[str]:
    """The paths that a run of `file` reads."""
    inside = f"{file.path}/"
    paths = {path for path in bundle.contents if path == file.path or path.startswith(inside)}
    if (golden := file.golden) is not None:
        paths |= {golden.input, golden.output, golden.expected}
    return paths


def _is_described(path: Path, file: ModelFile) -> bool:
    return tree_bytes(path) == file.bytes and sha256_tree(path) == file.sha256


def _runs(folder: Path, file: ModelFile, name: str) -> Iterator[GoldenRun]:
    """The file on its golden input, by each runtime of its format."""
    runtimes = catalog.runtimes_of(file.target)
    if file.golden is None or not runtimes:
        reason = (
            f"nothing runs {file.target} here" if not runtimes else "the bundle has no golden pair for it"
        )
        yield GoldenRun(path=file.path, runtime="none", status="not run", reason=reason)
        return
    artifact, _ = read_artifact(folder, verify=False)
    for runtime in runtimes:
        entry = catalog.runtime_entry(runtime)
        if entry.runs_here:
            yield _run(folder, artifact, file, runtime)
        else:
            yield GoldenRun(
                path=file.path,
                runtime=runtime,
                status="not run",
                reason=f"{entry.title} is not on this system",
                command=f"edgeir verify {name}, on {entry.system_name}",
            )


def _run(folder: Path, artifact: Artifact, file: ModelFile, runtime: str) -> GoldenRun:
    assert file.golden is not None
    try:
        found = run_golden(folder, artifact, file, file.golden, runtime=runtime)
    except MissingExtraError as error:
        return GoldenRun(
            path=file.path, runtime=runtime, status="not run", reason=error.what, command=error.fix
        )
    except EdgeIRError as error:
        return GoldenRun(path=file.path, runtime=runtime, status="failed", reason=error.what)
    problem = golden_problem(found, file.golden)
    return GoldenRun(
        path=file.path,
        runtime=runtime,
        status="passed" if problem is None else "failed",
        reason=problem,
        engine=found.engine,
        max_abs_error=found.max_abs_error,
        limit=file.golden.max_abs_error,
        drift=found.drift,
    )
