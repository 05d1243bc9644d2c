"""What `fuzz_files.py` damages: a small file of each format and precision, and a bundle of two of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from edgeir.manifest.parity import Gate
from edgeir.runtime.tensorflow import PYTHON

SIDE = 16
READER = "pb-reader"
"""The kind of frozen graphs that are read and compared with their manifest, and not handed to TensorFlow."""
KINDS = (
    *(f"tflite-{precision}" for precision in ("fp32", "fp16", "int8")),
    *(f"{target}-{precision}" for target in ("onnx", "ort", "ncnn") for precision in ("fp32", "int8")),
    *(f"coreml-{precision}" for precision in ("fp16", "w8")),
    "pb-fp32",
    READER,
    "zip",
)
TARGETS = tuple(dict.fromkeys(kind.partition("-")[0] for kind in KINDS))


def make(out: Path, kind: str) -> None:
    """Write the artifact, or the bundle, of a kind: random weights, the same each time.

    Raises:
        EdgeIRError: a package of the format is not installed.
    """
    if kind == "zip":
        bundle(out)
    elif kind.startswith("pb"):
        frozen(out)
    else:
        exported(out, *kind.split("-"))


def exported(out: Path, target: str, precision: str) -> None:
    """A small student as an artifact."""
    from edgeir.exporting.profile import read_profile
    from edgeir.exporting.run import export_network
    from edgeir.manifest.card import Card

    network = student()
    card = Card(name="fuzz", model={}, facts=network.facts, parameters=1, weights_sha256="0" * 64)
    gate = Gate.model_validate(dict.fromkeys(Gate.model_fields, 1000.0))
    profile = read_profile(f"{target}-{precision}").model_copy(update={"gate": gate})
    sizes = [(SIDE, SIDE)] if target in ("tflite", "coreml") else []
    export_network(network, card, profile, out=out, name=f"{target}-{precision}", sizes=sizes)


def student() -> Any:
    """The network of all kinds but the frozen graph."""
    import torch

    from edgeir.models import PlainSRConfig

    torch.manual_seed(0)
    return PlainSRConfig(channels=8, blocks=1, branches=()).build().eval()


def frozen(out: Path) -> None:
    """A narrow SRCNN as a frozen graph, imported."""
    import torch

    from edgeir.benchmarking.timing.frozen_srcnn import write_frozen_srcnn
    from edgeir.exporting.import_file import import_file

    torch.manual_seed(0)
    convolutions = {
        f"conv{number}": torch.nn.Conv2d(entering, leaving, side)
        for number, (entering, leaving, side) in enumerate(((3, 8, 3), (8, 4, 3), (4, 3, 3)), start=1)
    }
    network = SimpleNamespace(**convolutions, bias3=torch.nn.Parameter(torch.zeros(1)))
    with tempfile.TemporaryDirectory() as folder:
        import_file(write_frozen_srcnn(network, Path(folder) / "fuzz.pb"), out)


def bundle(out: Path) -> None:
    """A bundle of a LiteRT and an ONNX file, as a zip."""
    from edgeir.checkpoint.save import save_checkpoint
    from edgeir.exporting.bundle.export import export_bundle

    network = student()
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(
            Path(folder) / "c", network, network.state_dict(), name="fuzz", metrics={}, provenance={}
        )
        out.mkdir()
        export_bundle(
            Path(folder) / "c",
            targets=("tflite", "onnx"),
            sizes=[(SIDE, SIDE)],
            overrides=[f"gate.{name}=1000" for name in Gate.model_fields],
            out=out / "model.zip",
        )


def python_of(kind: str) -> str | None:
    """The Python of another environment in which a kind's files run; None: this one."""
    return os.environ.get(PYTHON) if kind.startswith("pb") else None
