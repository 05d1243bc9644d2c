"""A session whose network runs in a `Worker`: what the runtimes in a process of their own have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime.session import run_checked
from edgeir.runtime.worker import Worker

__all__ = ["WorkerSession"]


class WorkerSession:
    """One network in a process of its own (see `RemoteSession`).

    Args:
        artifact, file: the manifest, with which the model file was compared.
        worker: runs the file.
        output: the name that the worker knows the output by.
    """

    runtime: str

    def __init__(self, artifact: Artifact, file: ModelFile, worker: Worker, output: str) -> None:
        self.artifact: Artifact | None = artifact
        self.file: ModelFile | None = file
        self.facts = artifact.facts
        self.input, self._output = file.inputs[0], file.outputs[0]
        self.source_sha256 = file.sha256
        self.name = f"{artifact.source} {file.target}-{file.precision}"
        self.fixed_size = file.size
        self._worker: Worker | None = worker
        self._wanted = [output]

    @property
    def transport_s(self) -> float:
        """See `RemoteSession.transport_s`."""
        return self._open().transport_s

    def memory_mib(self) -> tuple[float | None, float | None]:
        """See `RemoteSession.memory_mib`."""
        return self._open().import_mib, self._open().peak_mib

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Session.run`."""
        return run_checked(x, self, self._output, where=self._open().model)

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """See `Session.run_raw`."""
        [result] = self._open().run(tensor, self._wanted)
        return result

    def close(self) -> None:
        """See `Session.close`: ends the process."""
        if self._worker is not None:
            self._worker.close()
        self._worker = None

    def _open(self) -> Worker:
        assert self._worker is not None, "the session is closed"
        return self._worker
