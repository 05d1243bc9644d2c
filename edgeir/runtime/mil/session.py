"""Run ``.mlpackage`` artifacts by interpreting their MIL program in torch, operator by operator.

Core ML itself runs on Apple's systems only. This engine executes the file that was written, weights and all, so that a
proof on any system is of that file; its time says nothing about a phone. Values of 16 bits are rounded to 16 bits after
each operator; sums are kept in 32. An operator or argument that it does not know is refused, never guessed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime.compare import check_manifest
from edgeir.runtime.mil.package import read_package
from edgeir.runtime.session import run_checked

__all__ = ["MIL", "MILSession", "PackageSession"]


class MIL(Config):
    """Run ``.mlpackage`` artifacts with edgeir's interpreter of MIL programs."""

    kind: Literal["mil"] = "mil"
    threads: int = 1

    def load(self, model: Path, artifact: Artifact, file: ModelFile) -> MILSession:
        """Load `model`, which `file` of the artifact describes.

        Raises:
            ArtifactError: the package is damaged, or its program has an operator that the interpreter does not know.
            MissingExtraError: coremltools or torch is not installed.
        """
        return MILSession(model, artifact, file, threads=self.threads)


class PackageSession:
    """What every runtime of a package has in common: how it is read, and what it is."""

    runtime: str

    def __init__(self, model: Path, artifact: Artifact, file: ModelFile) -> None:
        self._model = model
        self._package = read_package(model)
        package = self._package
        check_manifest(artifact.facts, file, [package.input], [package.output], package.facts, where=model)
        self.artifact: Artifact | None = artifact
        self.file: ModelFile | None = file
        self.facts = artifact.facts
        self.input, self._output = file.inputs[0], file.outputs[0]
        self.fixed_size = file.size
        self.source_sha256 = file.sha256
        self.name = f"{artifact.source} {file.target}-{file.precision}"

    @property
    def takes_image(self) -> bool:
        """Bytes as an image, not an array of numbers."""
        return self.input.layout == "NHWC"

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Session.run`."""
        return run_checked(x, self, self._output, where=self._model)

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """See `Session.run_raw`."""
        raise NotImplementedError

    def close(self) -> None:
        """See `Session.close`."""
        raise NotImplementedError


class MILSession(PackageSession):
    """One package, interpreted; its constants are decoded once, at load."""

    runtime = "mil"

    def __init__(self, model: Path, artifact: Artifact, file: ModelFile, *, threads: int) -> None:
        require("torch", "running a .mlpackage artifact")
        from edgeir.runtime.mil.program import Program

        super().__init__(model, artifact, file)
        self._program: Program | None = Program(self._package.function, threads=threads, where=model)

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """See `Session.run_raw`; an image is NHWC bytes, as Core ML makes them of a pixel buffer."""
        if self._program is None:
            raise ArtifactError("the session is closed", where=self.name)
        values = tensor.transpose(0, 3, 1, 2) if self.takes_image else tensor
        result = self._program.run(np.ascontiguousarray(values, dtype=np.float32))
        if not self.takes_image:
            return result.astype(self._output.dtype)
        return np.clip(np.rint(result), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)

    def close(self) -> None:
        """See `Session.close`."""
        self._program = None
