"""From a path or a name to a running `Session`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeir.checkpoint.resolve import Found, resolve
from edgeir.core.errors import ArtifactError
from edgeir.core.trust import honours_trust
from edgeir.manifest.artifact import Artifact, ModelFile, read_artifact
from edgeir.runtime import catalog
from edgeir.runtime.session import Session

__all__ = ["RuntimeName", "load", "load_file", "located"]

RuntimeName = str
"""``auto``, or a name of `edgeir.runtime.catalog`."""


@honours_trust
def load(
    path_or_name: str | Path,
    *,
    runtime: RuntimeName = "auto",
    threads: int = 1,
    clip: bool = True,
    sigma: float | None = None,
    trust_code: bool = False,
) -> Session:
    """Load an artifact or bundle (folder, manifest or model file), a checkpoint, a run folder or a zoo network.

    A folder of exported files loads the first (of those that `runtime` runs); another one is loaded by its path.

    Args:
        runtime: `auto` selects that of the file's format, or torch for weights. A zoo network is run from the file that
            comes with it if torch is not installed, or if the file's runtime is asked for.
        threads: threads inside one operator.
        sigma: the noise level, on the 0-255 scale, for the checkpoint of a network that takes one; an artifact has its
            own (`NetworkFacts.sigma`).
        clip: False runs a checkpoint without the clip to [0, 1] at its end; an artifact has it inside and keeps it.
        trust_code: allow a checkpoint's network of `kind: module`, code of another package, to be imported and run.

    Raises:
        ArtifactError: there is nothing of that name, it was tampered with, or the runtime cannot run it.
        CheckpointError: the checkpoint is damaged.
        ConfigError: a noise level for a network that takes none.
        MissingExtraError: the runtime is not installed.
        UntrustedCodeError: the checkpoint's network is code of another package, and `trust_code` is False.
    """
    if threads < 1:
        raise ArtifactError(f"`threads` must be at least 1, not {threads}")
    resolved = located(path_or_name, runtime=runtime, sigma=sigma)
    if not resolved.is_checkpoint:
        return _load_artifact(resolved, runtime, threads, sigma)
    if runtime not in ("auto", catalog.CHECKPOINT_RUNTIME):
        raise ArtifactError(
            f"is a checkpoint, which runs with {catalog.CHECKPOINT_RUNTIME}, not with {runtime}",
            where=path_or_name,
            fix="edgeir export makes an artifact of it",
        )
    settings: Any = catalog.runtime_entry(catalog.CHECKPOINT_RUNTIME).settings()
    session: Session = settings(threads=threads, clip=clip, sigma=sigma).load(str(resolved.folder))
    return session


def located(path_or_name: str | Path, *, runtime: RuntimeName = "auto", sigma: float | None = None) -> Found:
    """What `load` would load for these arguments, without loading it.

    Raises:
        ArtifactError: there is nothing of that name, or no such runtime.
        CheckpointError, MissingExtraError, UntrustedCodeError: as for `edgeir.checkpoint.resolve.resolve`.
    """
    if runtime not in ("auto", *catalog.runtime_names()):
        raise ArtifactError(
            f"there is no runtime `{runtime}`", fix=f"runtimes: auto, {', '.join(catalog.runtime_names())}"
        )
    resolved = resolve(path_or_name)
    packaged = _packaged(resolved.folder, runtime) if resolved.kind == "zoo network" else None
    if packaged is not None and sigma is None:
        return Found("artifact", packaged, resolved.name)
    return resolved


def load_file(
    folder: Path, artifact: Artifact, file: ModelFile, *, threads: int = 1, runtime: RuntimeName = "auto"
) -> Session:
    """Load a file of the artifact in `folder`; no hash is checked.

    Args:
        runtime: one that runs its format; `auto`: the runtime of its target that runs on any system.

    Raises:
        ArtifactError: nothing here runs its format, or the runtime cannot run it.
        MissingExtraError: the runtime is not installed.
    """
    entry = next((entry for entry in catalog.TARGETS if entry.name == file.target), None)
    if entry is None or entry.runtime is None:
        raise ArtifactError(f"a {file.target} file cannot run here", where=folder / file.path)
    chosen = catalog.runtime_entry(entry.runtime if runtime == "auto" else runtime)
    settings: Any = chosen.settings()
    session: Session = settings(threads=threads).load(folder / file.path, artifact, file)
    return session


def _load_artifact(resolved: Found, runtime: RuntimeName, threads: int, sigma: float | None) -> Session:
    artifact, folder = read_artifact(resolved.folder)
    file = file_at(artifact, folder, resolved.file, () if runtime == "auto" else (runtime,))
    where = resolved.file or resolved.folder
    fitting = catalog.runtimes_of(file.target)
    if fitting and runtime not in ("auto", *fitting):
        raise ArtifactError(
            f"runs with {' and '.join(fitting)}, not with {runtime}",
            where=where,
            fix=f"--runtime {fitting[0]}",
        )
    if sigma is not None:
        raise ArtifactError(
            "an exported file's noise level is fixed", where=where, fix="export with another --sigma"
        )
    chosen = fitting[0] if runtime == "auto" and fitting else runtime
    return load_file(folder, artifact, file, threads=threads, runtime=chosen)


def file_at(artifact: Artifact, folder: Path, path: Path | None, runtimes: Sequence[str] = ()) -> ModelFile:
    """The file of the artifact in `folder` that lies at `path`; for None the first, of those that `runtimes` run if
    any are named.

    Raises:
        ArtifactError: the manifest does not describe it.
    """
    if path is None:
        fitting = (file for file in artifact.files if set(runtimes) & set(catalog.runtimes_of(file.target)))
        return next(fitting, artifact.main)
    for file in artifact.files:
        if (folder / file.path).resolve() == path.resolve():
            return file
    described = ", ".join(f"`{file.path}`" for file in artifact.files)
    raise ArtifactError(f"the manifest beside it describes {described}, not this file", where=path)


def packaged_files(zoo: Path) -> dict[str, Path]:
    """Folders of the exported files that come with the zoo network in this folder, by the runtime that runs them."""
    return {entry.name: zoo / entry.name for entry in catalog.RUNTIMES if (zoo / entry.name).is_dir()}


def _packaged(zoo: Path, runtime: RuntimeName) -> Path | None:
    """The artifact that comes with a zoo network, if that is what should run."""
    without_torch = runtime == "auto" and catalog.runtime_entry(catalog.CHECKPOINT_RUNTIME).version is None
    return next(
        (folder for name, folder in packaged_files(zoo).items() if without_torch or runtime == name), None
    )
