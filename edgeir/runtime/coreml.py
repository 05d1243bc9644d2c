"""Core ML itself, on a Mac: ``.mlpackage`` artifacts by coremltools' predictor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError
from edgeir.core.requires import require
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime.catalog import runtime_entry
from edgeir.runtime.mil.session import PackageSession
from edgeir.runtime.quiet import libraries_silenced

__all__ = ["CoreML", "CoreMLSession"]

Predictor = Callable[[dict[str, Any]], dict[str, Any]]


class CoreML(Config):
    """Run ``.mlpackage`` artifacts with Core ML, which chooses CPU, GPU or neural engine by itself."""

    kind: Literal["coreml"] = "coreml"
    threads: int = 1
    """Not used: Core ML has no such setting."""

    def load(self, model: Path, artifact: Artifact, file: ModelFile) -> CoreMLSession:
        """Load `model`, which `file` of the artifact describes.

        Raises:
            ArtifactError: this is no Mac, or Core ML cannot run the package.
            MissingExtraError: coremltools is not installed.
        """
        return CoreMLSession(model, artifact, file, predictor(model))


def predictor(model: Path) -> Predictor:
    """Core ML's own prediction: input names to values, output names to values.

    Raises:
        ArtifactError: Core ML is not here, or cannot load the package.
    """
    entry = runtime_entry("coreml")
    if not entry.runs_here:
        raise ArtifactError(
            f"Core ML runs on {entry.system_name} only", where=model, fix="--runtime mil interprets it"
        )
    with libraries_silenced():
        coremltools: Any = require("coremltools", "running a .mlpackage artifact")
    try:
        with libraries_silenced():
            predict: Predictor = coremltools.models.MLModel(str(model)).predict
    except Exception as error:  # whatever the system's framework raises
        raise ArtifactError(f"Core ML cannot load it: {_short(error)}", where=model) from error
    return predict


class CoreMLSession(PackageSession):
    """One package, run by a predictor."""

    runtime = "coreml"

    def __init__(self, model: Path, artifact: Artifact, file: ModelFile, predict: Predictor) -> None:
        super().__init__(model, artifact, file)
        self._predict: Predictor | None = predict

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """See `Session.run_raw`; NHWC bytes go in and come out as images, as an app hands them over."""
        if self._predict is None:
            raise ArtifactError("the session is closed", where=self.name)
        try:
            result = self._predict({self.input.name: _to_image(tensor) if self.takes_image else tensor})[
                self._output.name
            ]
        except Exception as error:
            raise ArtifactError(f"Core ML failed: {_short(error)}", where=self._model) from error
        return _from_image(result) if self.takes_image else np.asarray(result, self._output.dtype)

    def close(self) -> None:
        """See `Session.close`."""
        self._predict = None


def _to_image(tensor: NDArray[Any]) -> Any:
    from PIL import Image

    return Image.fromarray(tensor[0, :, :, 0] if tensor.shape[3] == 1 else tensor[0])


def _from_image(image: Any) -> NDArray[np.uint8]:
    """A gray image has one plane; one in colour may come with an opaque alpha."""
    pixels = np.asarray(image, np.uint8)
    return pixels[None, :, :, None] if pixels.ndim == 2 else np.ascontiguousarray(pixels[None, :, :, :3])


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
