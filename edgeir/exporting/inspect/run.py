"""From a path to what lies there: files of an artifact, a model file of any origin, a checkpoint, a file of weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgeir.checkpoint.resolve import Found, resolve
from edgeir.core.errors import ArtifactError, EdgeIRError, ExportError
from edgeir.core.files import tree_bytes
from edgeir.exporting.inspect import measure
from edgeir.exporting.inspect.graph import GraphDescription, OperatorEntry, TensorEntry
from edgeir.exporting.inspect.weights import WEIGHT_SUFFIXES, read_weights
from edgeir.manifest.artifact import Artifact, ModelFile, read_artifact
from edgeir.manifest.card import CARD_NAME, WEIGHTS_NAME, Card, read_card
from edgeir.runtime import catalog

__all__ = ["FileReport", "Inspection", "described_graph", "inspect"]


@dataclass(frozen=True)
class FileReport:
    """A model file, measured.

    Attributes:
        path: of the file or folder.
        target: name of its format.
        bytes: of the file, or of all files in the folder.
        format: in the format's own words, with its version.
        inputs, outputs: its ends.
        operators: in execution order.
        tensors: all of them, constants included.
        kinds: number of operators of each kind, most frequent first.
        parameters: weights, biases and slopes; None where the file does not say.
        macs: multiply-accumulates of one run; None where sizes are open.
        activations: memory of the tensors; None where sizes are open.
        receptive_field: from the graph alone.
        largest: its largest constants.
        described: what edgeir's manifest says of the file; None for a file of another origin.
    """

    path: Path
    target: str
    bytes: int
    format: str
    inputs: tuple[TensorEntry, ...]
    outputs: tuple[TensorEntry, ...]
    operators: tuple[OperatorEntry, ...]
    tensors: tuple[TensorEntry, ...]
    kinds: dict[str, int]
    parameters: int | None
    macs: int | None
    activations: measure.Activations | None
    receptive_field: measure.ReceptiveField
    largest: tuple[TensorEntry, ...]
    described: ModelFile | None = None


@dataclass(frozen=True)
class Inspection:
    """What lies at a path.

    Attributes:
        kind: what it is, in one or two words.
        files: its model files, measured.
        artifact: edgeir's manifest of them, where there is one.
        card: of a checkpoint.
        weights: the tensors of a checkpoint or of a file of weights, in the file's order.
    """

    kind: str
    files: tuple[FileReport, ...] = ()
    artifact: Artifact | None = None
    card: Card | None = None
    weights: tuple[TensorEntry, ...] = ()


def inspect(path: str | Path, *, size: tuple[int, int] | None = None) -> Inspection:
    """Find out what a file or folder is, without running it or anything in it.

    Args:
        path: an artifact, a model file of any origin, a checkpoint, a run, a zoo name, or a file of weights
            (``.safetensors``, ``.npz``, ``.pth``, ``.pt``, ``.ckpt``, ``.bin``).
        size: height and width of the input, for files that leave it open.

    Raises:
        ArtifactError: there is no such thing, or it is damaged.
        CheckpointError: there is no such checkpoint, or it is damaged.
        MissingExtraError: the package that reads the format is not installed.
    """
    where = Path(path)
    if where.is_file() and where.suffix.lower() in WEIGHT_SUFFIXES and not _is_ours(where):
        return Inspection("file of weights", weights=read_weights(where))
    entry = catalog.target_of_file(where)
    if entry is not None and where.exists():
        described = _manifest_of(where)
        return Inspection("model file", (_report(where, entry, size, described),))
    found = resolve(path)
    if found.is_checkpoint:
        weights = read_weights(found.folder / WEIGHTS_NAME)
        return Inspection(found.kind, card=read_card(found.folder), weights=weights)
    return _artifact(found, size)


def _is_ours(path: Path) -> bool:
    return path.name == WEIGHTS_NAME and (path.parent / CARD_NAME).is_file()


def _artifact(found: Found, size: tuple[int, int] | None) -> Inspection:
    artifact, folder = read_artifact(found.folder)
    reports = []
    for file in artifact.files:
        entry = catalog.target_of_file(folder / file.path)
        if entry is not None:
            reports.append(_report(folder / file.path, entry, size, file))
    return Inspection(found.kind, tuple(reports), artifact)


def _manifest_of(path: Path) -> ModelFile | None:
    """What the manifest beside a file says of it, if it is this file that it speaks of."""
    try:
        artifact, folder = read_artifact(path)
    except ArtifactError:
        return None
    return next((file for file in artifact.files if folder / file.path == path), None)


def _report(
    path: Path, entry: catalog.TargetEntry, size: tuple[int, int] | None, described: ModelFile | None
) -> FileReport:
    graph = described_graph(path, entry, size)
    with _damage(path, entry):
        return _measured(path, entry.name, graph, described, size)


def described_graph(path: Path, entry: catalog.TargetEntry, size: tuple[int, int] | None) -> GraphDescription:
    """The graph of a model file.

    Raises:
        ArtifactError: it is damaged, or nothing here reads its format.
        MissingExtraError: the package that reads it is not installed.
    """
    describe = entry.describe()
    if describe is None:
        raise ArtifactError(f"nothing here reads the graph of a {entry.title} file", where=path)
    if (entry.marker_file is None) != path.is_file():
        raise ArtifactError(
            f"a {entry.suffix} is a {'file' if entry.marker_file is None else 'folder'}", where=path
        )
    with _damage(path, entry):
        graph: GraphDescription = describe(path, size)
    return graph


@contextmanager
def _damage(path: Path, entry: catalog.TargetEntry) -> Iterator[None]:
    """A damaged file of another origin leads anywhere: whatever it raises becomes one line."""
    try:
        yield
    except (ArtifactError, ExportError) as error:
        if error.where is not None:
            raise
        raise ArtifactError(error.what, where=path, fix=error.fix) from error  # of a reader of bytes
    except EdgeIRError:
        raise
    except Exception as error:
        short = (str(error).splitlines() or [""])[0][:120]
        raise ArtifactError(
            f"the {entry.suffix} is damaged, or of a kind that is not known: {type(error).__name__}: {short}",
            where=path,
        ) from error


def _measured(
    path: Path,
    target: str,
    graph: GraphDescription,
    described: ModelFile | None,
    size: tuple[int, int] | None,
) -> FileReport:
    counted = Counter(operator.kind for operator in graph.operators)
    return FileReport(
        path=path,
        target=target,
        bytes=tree_bytes(path),
        format=graph.format,
        inputs=tuple(graph.tensors[name] for name in graph.inputs),
        outputs=tuple(graph.tensors[name] for name in graph.outputs),
        operators=graph.operators,
        tensors=tuple(graph.tensors.values()),
        kinds=dict(sorted(counted.items(), key=lambda item: (-item[1], item[0]))),
        parameters=measure.parameters(graph),
        macs=measure.macs(graph, size),
        activations=measure.activations(graph),
        receptive_field=measure.receptive_field(graph),
        largest=tuple(measure.largest_constants(graph)),
        described=described,
    )
