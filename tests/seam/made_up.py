"""A target format and its runtime that edgeir knows nothing of: what a new one has to bring, and no more.

The format is a folder of arrays and a list of operations; the runtime is numpy. `install` adds both to the catalog,
which is the one line that a real target adds there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError, ExportError
from edgeir.exporting.target import Job, Written
from edgeir.manifest.artifact import Artifact, ModelFile, TensorSpec
from edgeir.quantize.plan import PLANS, Plan
from edgeir.runtime import catalog
from edgeir.runtime.session import check_image, from_native, to_native

GRAPH = "graph.json"


class MadeUp(Config):
    """Settings of the target."""

    kind: Literal["made-up"] = "made-up"
    precision: Plan = PLANS["fp32"]

    @property
    def dynamic(self) -> bool:
        return True

    @property
    def calibrates(self) -> bool:
        return False

    def write(self, job: Job, path: Path) -> Written:
        """See `edgeir.exporting.target.Target`: the folder `path`."""
        network: Any = job.network
        if network.config.kind != "plainsr":
            raise ExportError("a made-up file holds PlainSR only")
        deployed = network.deploy()
        layers = [
            *(layer for layer in deployed.body if hasattr(layer, "weight")),
            deployed.tail,
            deployed.residual,
        ]
        arrays = {}
        for index, layer in enumerate(layers):
            arrays[f"w{index}"], arrays[f"b{index}"] = layer.weight.numpy(), layer.bias.numpy()
        path.mkdir()
        np.savez(path / "weights.npz", **arrays)
        (path / GRAPH).write_text(json.dumps({"layers": len(layers), "scale": network.config.scale}))
        spec = TensorSpec(name="image", shape=(1, 3, None, None), layout="NCHW", dtype="float32")
        return Written(path, spec, spec.model_copy(update={"name": "restored"}))


class Numpy(Config):
    """Settings of the runtime."""

    kind: Literal["numpy"] = "numpy"
    threads: int = 1

    def load(self, model: Path, artifact: Artifact, file: ModelFile) -> NumpySession:
        """Load the folder `model`."""
        return NumpySession(model, artifact, file)


class NumpySession:
    """One folder, run by numpy."""

    runtime = "numpy"
    fixed_size: tuple[int, int] | None = None

    def __init__(self, model: Path, artifact: Artifact, file: ModelFile) -> None:
        try:
            self._graph = json.loads((model / GRAPH).read_text())
            with np.load(model / "weights.npz") as arrays:
                self._arrays = dict(arrays)
        except (OSError, ValueError) as error:
            raise ArtifactError("numpy cannot load it", where=model) from error
        self.artifact: Artifact | None = artifact
        self.file: ModelFile | None = file
        self.facts, self.input, self._output = artifact.facts, file.inputs[0], file.outputs[0]
        self.source_sha256, self.name = file.sha256, f"{artifact.source} {file.target}-{file.precision}"

    def run(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        check_image(x, self)
        return from_native(self.run_raw(to_native(x, self.input)), self._output)

    def run_raw(self, tensor: NDArray[Any]) -> NDArray[Any]:
        *hidden, tail, residual = range(self._graph["layers"])
        features = tensor[0]
        for index in hidden:
            features = np.maximum(self._convolved(features, index), 0)
        out = self._convolved(features, tail) + self._convolved(tensor[0], residual)
        scale, (_, height, width) = self._graph["scale"], out.shape
        cells = out.reshape(3, scale, scale, height, width).transpose(0, 3, 1, 4, 2)
        return np.clip(cells.reshape(1, 3, height * scale, width * scale), 0, 1)

    def _convolved(self, x: NDArray[Any], index: int) -> NDArray[Any]:
        kernel, bias = self._arrays[f"w{index}"], self._arrays[f"b{index}"]
        half = kernel.shape[2] // 2
        padded = np.pad(x, [(0, 0), (half, half), (half, half)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[2:], axis=(1, 2))
        result: NDArray[Any] = (
            np.einsum("chwij,ocij->ohw", windows, kernel, optimize=True) + bias[:, None, None]
        )
        return result.astype(np.float32)

    def close(self) -> None:
        self._arrays = {}


def install() -> None:
    """Add the format and the runtime to the catalog."""
    catalog.RUNTIMES.append(
        catalog.RuntimeEntry("numpy", "NumPy", "numpy", "numpy", "made_up:Numpy", "P", "#777777")
    )
    catalog.TARGETS.append(
        catalog.TargetEntry(
            "made-up", "Made-up (nowhere)", ".made", "numpy", "made_up:MadeUp", marker_file=GRAPH
        )
    )
