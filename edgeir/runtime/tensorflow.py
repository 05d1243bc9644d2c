"""Frozen TensorFlow graphs (``.pb``), the PIRM challenge's own format, run in a process of its own.

TensorFlow wants other versions of common packages than the converters do, so it may live in an environment of its own:
`PYTHON` names that environment's Python. Without it, TensorFlow is expected in this one (``edgeir[tf]``).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require_installed
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime.compare import FileTensor, check_manifest
from edgeir.runtime.frozen_graph import FLOAT, FrozenGraph, read_frozen_graph
from edgeir.runtime.worker import Worker
from edgeir.runtime.worker_session import WorkerSession

__all__ = ["PYTHON", "TensorFlow", "TensorFlowSession", "ends_of"]

PYTHON = "EDGEIR_TENSORFLOW_PYTHON"
"""The environment variable with the path of a Python that has TensorFlow."""
LOADER = Path(__file__).with_name("tensorflow_worker.py")
LIMIT_S = 600.0


class TensorFlow(Config):
    """Run frozen graphs with TensorFlow's CPU kernels."""

    kind: Literal["tensorflow"] = "tensorflow"
    threads: int = 1

    def load(self, model: Path, artifact: Artifact, file: ModelFile) -> TensorFlowSession:
        """Load `model`, which `file` of the artifact describes.

        Raises:
            ArtifactError: TensorFlow cannot run the file, or no process can be started.
            MissingExtraError: TensorFlow is not installed here, and `PYTHON` names no other Python.
        """
        return TensorFlowSession(model, artifact, file, threads=self.threads)


class TensorFlowSession(WorkerSession):
    """One graph in TensorFlow."""

    runtime = "tensorflow"

    def __init__(self, model: Path, artifact: Artifact, file: ModelFile, *, threads: int) -> None:
        python = os.environ.get(PYTHON) or None
        if python is None:
            require_installed(
                "tensorflow", f"running a .pb graph (or set {PYTHON} to a Python that has TensorFlow)"
            )
        graph = read_frozen_graph(model)
        entry, exit_ = ends_of(graph, where=model)
        check_manifest(artifact.facts, file, [entry], [exit_], None, where=model)
        options = {"threads": threads, "input": graph.input, "output": graph.output}
        worker = Worker(LOADER, model, options, title="TensorFlow", limit_s=LIMIT_S, python=python)
        super().__init__(artifact, file, worker, graph.output)

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Session.run`; like the challenge's script, it clips the graph's output to [0, 1]."""
        return np.clip(super().run(x), 0, 1)


def ends_of(graph: FrozenGraph, *, where: Path) -> tuple[FileTensor, FileTensor]:
    """Input and output as edgeir describes them: NHWC float32; the output's size follows from the network's scale.

    Raises:
        ArtifactError: the input is no batch of float32 images.
    """
    entry = next(node for node in graph.nodes if node.name == graph.input)
    shape = entry.shape
    if (
        shape is None
        or len(shape) != 4
        or shape[3] not in (1, 3)
        or entry.dtype != FLOAT
        or shape[0] not in (None, 1)
    ):
        raise ArtifactError(
            f"the input `{graph.input}` is no float32 image of 1 or 3 channels, NHWC: its shape is {shape}, its type "
            f"number {entry.dtype} ({FLOAT} is float32)",
            where=where,
            fix="edgeir takes graphs whose placeholder has shape [1, height, width, 3], as the PIRM challenge's have",
        )
    height, width, channels = shape[1:]
    return (
        FileTensor(graph.input, (1, height, width, channels), "float32", "NHWC"),
        FileTensor(graph.output, (1, None, None, channels), "float32", "NHWC"),
    )
