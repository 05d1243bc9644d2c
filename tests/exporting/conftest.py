"""A tiny student whose output needs the clip, and its conversions, each made once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.archive import unpack_zip
from edgeir.exporting.bundle.export import export_bundle
from edgeir.exporting.calibration import CalibrationData
from edgeir.exporting.profile import read_profile
from edgeir.exporting.target import Job, Target
from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.half import MULTIPLY_CONSTANTS
from edgeir.manifest.artifact import RuntimeNeeds, TensorSpec
from edgeir.manifest.bundle import Bundle
from edgeir.manifest.card import Card
from edgeir.models import PlainSRConfig
from edgeir.models.base import Network

SIZE = (12, 10)


@dataclass(frozen=True)
class Made:
    """A model file, read back."""

    data: bytes
    input: TensorSpec
    output: TensorSpec
    needs: RuntimeNeeds | None = None


def convert(
    target: Target, network: Any, size: tuple[int, int] | None, io: Any, calibration: np.ndarray
) -> Made:
    """What `target` writes for `network`."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job(network, size, io, CalibrationData(calibration))
        written = target.write(job, Path(folder) / "model")
        return Made(written.path.read_bytes(), written.input, written.output, written.needs)


def busy(network: Network, seed: int = 0) -> Network:
    """Give every layer weights that matter, so that a wrong channel order or a lost clip shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            fan_in = max(1, parameter[0].numel()) if parameter.ndim > 1 else 100
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / fan_in**0.5)
    return network.eval()


def card_of(network: Network, name: str = "tiny") -> Card:
    return Card(name=name, model={}, facts=network.facts, parameters=1, weights_sha256="0" * 64)


@pytest.fixture(name="busy")
def busy_as_fixture() -> Callable[[Network], Network]:
    return busy


@pytest.fixture(scope="session")
def tiny() -> Network:
    return busy(PlainSRConfig(channels=8, blocks=1, branches=()).build())


@pytest.fixture(scope="session")
def calibration() -> np.ndarray:
    return np.random.default_rng(0).random((4, 16, 16, 3), dtype=np.float32)


@pytest.fixture(scope="session")
def converted(tiny: Network, calibration: np.ndarray) -> Callable[..., Made]:
    made: dict[Any, Made] = {}

    def converted_once(profile: str, io: Any = "float", size: tuple[int, int] | None = SIZE) -> Made:
        key = (profile, io, size)
        if key not in made:
            made[key] = convert(read_profile(profile).target, tiny, size, io, calibration)
        return made[key]

    return converted_once


@pytest.fixture
def run_litert() -> Callable[[bytes, np.ndarray], np.ndarray]:
    """Run a LiteRT model on one batched tensor, resized to it."""
    from ai_edge_litert.interpreter import Interpreter

    def run(model: bytes, tensor: np.ndarray) -> np.ndarray:
        interpreter = Interpreter(model_content=model, num_threads=1)
        entry = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(entry, tensor.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(entry, tensor)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    return run


@pytest.fixture
def check_halves() -> Callable[[Graph], int]:
    """How many constants of an fp16 graph are float16; all that convolutions multiply or add must be, in the one form
    that every runtime knows: read by nothing but DEQUANTIZE of version 3."""

    def check(graph: Graph) -> int:
        for operator in graph.operators:
            if graph.kind(operator) not in MULTIPLY_CONSTANTS:
                continue
            for index in (int(index) for index in operator.inputs):
                left = graph.constant(index) is not None and graph.dtype(index) == "FLOAT32"
                assert not left, "a float32 weight or bias is left"  # (a shape, of integers, may be)
        halves = [i for i in range(len(graph.model.subgraphs[0].tensors)) if graph.dtype(i) == "FLOAT16"]
        for index in halves:
            assert graph.constant(index) is not None
            [reader] = graph.consumers(index)
            assert graph.kind(reader) == "DEQUANTIZE"
            assert graph.model.operatorCodes[reader.opcodeIndex].version == 3
        return len(halves)

    return check


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder that must still be empty when an export failed."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


# --- bundles

PROVENANCE = {"licence": "Apache-2.0 (weights)", "training_data": "noise"}


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = busy(PlainSRConfig(channels=4, blocks=0, branches=()).build())
    folder = tmp_path_factory.mktemp("run") / "student"
    save_checkpoint(folder, network, network.state_dict(), name="student", metrics={}, provenance=PROVENANCE)
    return folder


def bundled(checkpoint: Path, out: Path, **settings: Any) -> Bundle:
    return export_bundle(checkpoint, targets=["onnx", "tflite"], sizes=[(12, 10)], out=out, **settings)


@pytest.fixture(scope="session")
def zipped(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ONNX and LiteRT in fp32, of one size."""
    out = tmp_path_factory.mktemp("out") / "app.zip"
    bundled(student, out)
    return out


@pytest.fixture
def bundle_folder(zipped: Path, tmp_path: Path) -> Path:
    """The same, unpacked, to be changed."""
    into = tmp_path / "app"
    into.mkdir()
    unpack_zip(zipped, into)
    return into
