"""One tiny checkpoint and its artifacts, made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from edgeir.checkpoint.save import save_checkpoint
from edgeir.core.files import sha256_file
from edgeir.exporting.run import export
from edgeir.models import PlainSRConfig


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``student`` (checkpoint), ``tflite`` (12x10 and 8x8), ``onnx``, ``ort`` and ``ncnn`` (any size)."""
    folder = tmp_path_factory.mktemp("made")
    torch.manual_seed(0)
    network = PlainSRConfig(channels=4, blocks=0, branches=()).build()
    save_checkpoint(
        folder / "student", network, network.state_dict(), name="student", metrics={}, provenance={}
    )
    (folder / "photos").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "photos" / "a.png")
    made_of = [
        ("tflite", [(12, 10), (8, 8)]),
        ("onnx", []),
        ("ort", []),
        ("coreml", [(12, 10)]),
        ("ncnn", []),
    ]
    for target, sizes in made_of:
        export(
            folder / "student", target=target, sizes=sizes, out=folder / target, calibration=folder / "photos"
        )  # type: ignore[arg-type]
    return folder


@pytest.fixture
def rewritten() -> Callable[[Path, Path, Callable[[Path], Any]], Path]:
    """Copy an artifact, change its model file, and let the manifest have the new file's hash."""

    def copy(source: Path, folder: Path, change: Callable[[Path], Any]) -> Path:
        shutil.copytree(source, folder)
        model = next(folder.glob("model.*"))
        before = sha256_file(model)
        change(model)
        text = (folder / "artifact.json").read_text()
        (folder / "artifact.json").write_text(text.replace(before, sha256_file(model)))
        return folder

    return copy
