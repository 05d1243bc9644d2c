"""From a path to what each delegate takes of the model files there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgeir.checkpoint.resolve import resolve
from edgeir.core.assets import list_zoo
from edgeir.core.errors import ArtifactError, ConfigError, EdgeIRError
from edgeir.core.trust import honours_trust
from edgeir.exporting.bundle.verify import bundle_folder
from edgeir.exporting.inspect.measure import macs_of_operators
from edgeir.exporting.inspect.run import described_graph
from edgeir.exporting.lint.origins import Layer, Origins, layers_of
from edgeir.exporting.lint.report import FileLint, LintReport, reported
from edgeir.exporting.lint.rules import Delegate, choose
from edgeir.manifest.artifact import Artifact, read_artifact
from edgeir.runtime import catalog

__all__ = ["lint"]


@honours_trust
def lint(
    path: str | Path,
    *,
    delegates: Sequence[str] = (),
    rules: Sequence[str | Path] = (),
    checkpoint: str | Path | None = None,
    size: tuple[int, int] | None = None,
    trust_code: bool = False,
) -> LintReport:
    """Find out which operators the accelerators of phones take; nothing is run.

    Args:
        path: a model file of any origin, an artifact or a bundle, also as a zip.
        delegates: names of those to ask; by default all whose rules there are for the format.
        rules: files with rules of one's own; they are asked as well, or alone where no `delegates` are named.
        checkpoint: the network that the file was made of, to name the layers; by default that of the zoo if it is one.
        size: height and width of the input, for files that leave it open.
        trust_code: see `edgeir.load`.

    Raises:
        ArtifactError: there is no such file, it is damaged, or it is a checkpoint.
        ConfigError: an unknown delegate, one that does not take the format, or a rules file that is wrong.
        CheckpointError: no such checkpoint.
        MissingExtraError: the package that reads the format is not installed.
    """
    asked = choose(delegates, rules)
    with _files(Path(path), path) as (files, artifact):
        formats = {entry.name for _, _, entry in files}
        if not any(formats & set(delegate.formats) for delegate in asked):
            takes = sorted({name for delegate in asked for name in delegate.formats})
            raise ConfigError(
                [f"{_listed(asked)} takes {', '.join(takes)}, and this is {', '.join(sorted(formats))}"],
                where=path,
                fix="edgeir lint --list shows the delegates of each format",
            )
        network, layers = _network(checkpoint, artifact)
        return LintReport(
            tuple(_linted(name, place, entry, asked, network, layers, size) for name, place, entry in files)
        )


def _listed(asked: Sequence[Delegate]) -> str:
    return " or ".join(delegate.name for delegate in asked) if len(asked) < 4 else "every delegate"


Found = tuple[list[tuple[str, Path, catalog.TargetEntry]], Artifact | None]


@contextlib.contextmanager
def _files(where: Path, path: str | Path) -> Iterator[Found]:
    """Shown name, path and format of each model file, and their manifest."""
    entry = catalog.target_of_file(where)
    if entry is not None and where.exists():
        yield [(str(path), where, entry)], _manifest(where)
        return
    with bundle_folder(where) if _is_zip(where) else _resolved(path) as folder:
        artifact, folder = read_artifact(folder)
        found = [
            (f"{path}: {file.path}", folder / file.path, entry)
            for file in artifact.files
            if (entry := catalog.target_of_file(folder / file.path)) is not None
        ]
        if not found:
            raise ArtifactError("holds no model file whose format is known here", where=path)
        yield found, artifact


def _is_zip(where: Path) -> bool:
    return where.is_file() and where.suffix.lower() == ".zip"


@contextlib.contextmanager
def _resolved(path: str | Path) -> Iterator[Path]:
    found = resolve(path)
    if found.is_checkpoint:
        raise ArtifactError(
            "is a network, and rules are about the operators of a model file",
            where=path,
            fix=f"edgeir export {path} first, or name an exported file",
        )
    yield found.folder


def _manifest(file: Path) -> Artifact | None:
    """The manifest beside a single file, if it speaks of it."""
    try:
        artifact, folder = read_artifact(file)
    except ArtifactError:
        return None
    return artifact if any(folder / each.path == file for each in artifact.files) else None


def _network(checkpoint: str | Path | None, artifact: Artifact | None) -> tuple[str | None, list[Layer]]:
    """Name and layers of the network, where it is named, or is the zoo's."""
    from edgeir.checkpoint.load import load_checkpoint

    if checkpoint is not None:
        return str(checkpoint), layers_of(load_checkpoint(checkpoint)[0])
    if artifact is None or artifact.source not in list_zoo():
        return None, []
    try:
        network, card, _ = load_checkpoint(artifact.source)
    except EdgeIRError:  # without torch the file's own names must do
        return None, []
    return (
        (artifact.source, layers_of(network))
        if card.weights_sha256 == artifact.checkpoint_sha256
        else (None, [])
    )


def _linted(
    name: str,
    path: Path,
    entry: catalog.TargetEntry,
    asked: Sequence[Delegate],
    network: str | None,
    layers: Sequence[Layer],
    size: tuple[int, int] | None,
) -> FileLint:
    graph = described_graph(path, entry, size)
    origins = Origins(graph, layers)
    counts = macs_of_operators(graph, size)
    total = None if None in counts else sum(count or 0 for count in counts)
    reports = [reported(each, graph, origins, counts, total) for each in asked if entry.name in each.formats]
    return FileLint(name, entry.name, graph.format, len(graph.operators), total, network, tuple(reports))
