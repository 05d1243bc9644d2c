"""A `Session` on a runner: every image goes through its process, wherever that runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.devices.runner.process import Blame, RunnerProcess
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime.compare import FileTensor, check_manifest
from edgeir.runtime.litert_metadata import read_facts
from edgeir.runtime.session import run_checked

__all__ = ["RunnerSession", "placed"]

SCHEMA = "ai_edge_litert"
"""Reads the network's facts out of a file; where it is not installed, they are not compared with the manifest's."""


class RunnerSession:
    """One model file in a serving runner (see `edgeir.runtime.session.RemoteSession`).

    Args:
        words: the command line of the runner, ``--serve`` included.
        model: the file, which `file` of the artifact describes.
        device: its name, which takes the place of a runtime's.
        title: of the device, for messages.
        limit_s: seconds that loading, or one run, may take.
        measured: whether the process's memory and time say anything; not under an emulator.
        blame: what else than the file may be to blame for a crash.

    Raises:
        ArtifactError: the runner cannot load the file, or it is not what the manifest says.
        DeviceError: the runner cannot be started.
    """

    def __init__(
        self,
        words: Sequence[str],
        model: Path,
        artifact: Artifact,
        file: ModelFile,
        *,
        device: str,
        title: str,
        limit_s: float,
        measured: bool,
        blame: Blame | None = None,
    ) -> None:
        try:
            content = model.read_bytes()
        except OSError as error:
            raise ArtifactError(f"cannot be read: {error.strerror}", where=model) from error
        recorded = read_facts(content, where=model) if importlib.util.find_spec(SCHEMA) else None
        self._process: RunnerProcess | None = RunnerProcess(
            words, model, title=title, limit_s=limit_s, blame=blame
        )
        try:
            header = self._process.header
            entries, exits = ([_described(one) for one in header[key]] for key in ("inputs", "outputs"))
            check_manifest(artifact.facts, file, entries, exits, recorded, where=model)
        except BaseException:
            self.close()
            raise
        self._exit, self._measured = exits[0], measured
        self.artifact: Artifact | None = artifact
        self.file: ModelFile | None = file
        self.runtime = device
        self.facts = artifact.facts
        self.input, self._output = file.inputs[0], file.outputs[0]
        self.source_sha256 = file.sha256
        self.name = f"{artifact.source} {file.target}-{file.precision} on {device}"
        self.fixed_size: tuple[int, int] | None = (
            int(entries[0].shape[1] or 0),
            int(entries[0].shape[2] or 0),
        )

    @property
    def transport_s(self) -> float:
        """See `RemoteSession.transport_s`."""
        return self._open().transport_s

    @property
    def placed(self) -> str:
        """Where its operators run, in words."""
        return placed(self._open().header)

    def memory_mib(self) -> tuple[float | None, float | None]:
        """See `RemoteSession.memory_mib`."""
        return (None, self._open().peak_kib / 1024) if self._measured else (None, None)

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Session.run`."""
        return run_checked(x, self, self._output, where=self._open().model)

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """See `Session.run_raw`."""
        shape = [side or 0 for side in self._exit.shape]
        return self._open().run(tensor, self._exit.dtype, shape)

    def close(self) -> None:
        """See `Session.close`: ends the process."""
        if self._process is not None:
            self._process.close()
        self._process = None

    def _open(self) -> RunnerProcess:
        assert self._process is not None, "the session is closed"
        return self._process


def placed(header: dict[str, Any]) -> str:
    """Where the operators of a model run, in words, from what the runner says of it."""
    operators, left, partitions = (int(header[key]) for key in ("operators", "left", "partitions"))
    text = f"{operators - left} of {operators} operators in XNNPACK"
    return text if partitions < 2 else f"{text}, in {partitions} parts"


def _described(tensor: dict[str, Any]) -> FileTensor:
    """A tensor as the runner describes it. Images are NHWC in every file of this format."""
    scale = float(np.float32(tensor["scale"]))
    return FileTensor(
        name=None,
        shape=tuple(int(side) for side in tensor["shape"]),
        dtype=str(tensor["type"]),
        layout="NHWC",
        quantisation=(scale, int(tensor["zero_point"])) if scale else None,
    )
