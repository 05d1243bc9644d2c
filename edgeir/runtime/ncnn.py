"""ncnn on the CPU: ``.ncnn`` artifacts, each run in a process of its own, which a bad file would end."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require_installed
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.manifest.facts import NetworkFacts
from edgeir.runtime.compare import FileTensor, check_manifest
from edgeir.runtime.ncnn_file import (
    BIN,
    INPUT,
    OUTPUT,
    PARAM,
    Layer,
    has_large_kernel,
    parse_param,
    weights_of,
)
from edgeir.runtime.worker import Worker
from edgeir.runtime.worker_session import WorkerSession

__all__ = ["FACTS", "LIMIT_S", "LOADER", "Ncnn", "NcnnSession"]

FACTS = "facts.json"
"""Beside the two files that ncnn reads: the network's facts, as the export knew them."""
LOADER = Path(__file__).with_name("ncnn_worker.py")
LIMIT_S, SLOWEST_MACS_S, MOST_MACS = 120.0, 1e9, 10**13
"""A run may take this long, and a second more for so many multiply-accumulates (as the manifest says)."""


class Ncnn(Config):
    """Run ``.ncnn`` artifacts with ncnn on the CPU, with its own choice of kernels."""

    kind: Literal["ncnn"] = "ncnn"
    threads: int = 1

    def load(self, model: Path, artifact: Artifact, file: ModelFile) -> NcnnSession:
        """Load the folder `model`, which `file` of the artifact describes.

        Raises:
            ArtifactError: ncnn cannot run the file, or no process can be started.
            MissingExtraError: ncnn is not installed.
        """
        return NcnnSession(model, artifact, file, threads=self.threads)


class NcnnSession(WorkerSession):
    """One network in ncnn, whose native tensor is (1, C, H, W) float32."""

    runtime = "ncnn"

    def __init__(self, model: Path, artifact: Artifact, file: ModelFile, *, threads: int) -> None:
        require_installed("ncnn", "running an .ncnn artifact")
        layers, recorded = read_files(model)
        check_manifest(artifact.facts, file, *_ends(layers, recorded, file, model), recorded, where=model)
        options = {
            "threads": threads,
            "half": file.precision.startswith("fp16"),
            "keep": False,
            "sgemm": not has_large_kernel(layers),
        }
        limit = LIMIT_S + min(file.macs, MOST_MACS) / SLOWEST_MACS_S
        worker = Worker(LOADER, model, options, title="ncnn", limit_s=limit)
        super().__init__(artifact, file, worker, OUTPUT)


def read_files(model: Path) -> tuple[list[Layer], str]:
    """The layers of the folder `model`, checked against its weights, and the facts that the export left there.

    Raises:
        ArtifactError: a file is missing or damaged.
    """
    try:
        text = (model / PARAM).read_text(encoding="utf-8")
        content, recorded = (model / BIN).read_bytes(), (model / FACTS).read_text(encoding="utf-8")
    except OSError as error:
        name = Path(error.filename).name if error.filename else "a file"
        raise ArtifactError(f"{name} cannot be read: {error.strerror}", where=model) from error
    except UnicodeDecodeError as error:
        raise ArtifactError("ncnn cannot load it: it is no text", where=model) from error
    layers = parse_param(text, where=model)
    weights_of(layers, content, where=model)
    return layers, recorded


def _ends(
    layers: list[Layer], recorded: str, file: ModelFile, where: Path
) -> tuple[list[FileTensor], list[FileTensor]]:
    """Input and output as the files describe them; they say no size of the output, which follows from the scale."""
    entry = next(layer for layer in layers if layer.kind == "Input")
    try:
        facts = NetworkFacts.model_validate_json(recorded)
        width, height, channels = (entry.integer(key) for key in (0, 1, 2))
    except ValueError as error:
        raise ArtifactError(
            f"{FACTS} or the input of {PARAM} is damaged", where=where, fix="export it again"
        ) from error
    scale = facts.net_scale
    enters = (1, channels, height or None, width or None)
    leaves = (1, channels, height * scale or None, width * scale or None)
    return [FileTensor(INPUT, enters, "float32", "NCHW")], [FileTensor(OUTPUT, leaves, "float32", "NCHW")]
