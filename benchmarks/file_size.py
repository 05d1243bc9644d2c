"""How much larger a file is than the network's weights, and how far from it: large inputs, paper-size networks.

    python benchmarks/file_size.py [--network danet] [--size 256] [--target tflite] [--precision fp32]

Coordinates of deformable sampling, masks of windows and tables of a fixed size can make a file grow with the image.
The networks have the configuration of their paper. Weights are drawn: torch's initial ones, and random ones that give
every layer an effect (of DANet the offsets too, which start at 0). Each file is exported and proved as by `edgeir
export`, without a limit. Writes ``benchmarks/results/file-size.json``, in which other networks' rows stay.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from matrix import kinds, network_of
from old_runtimes import lively

from edgeir.benchmarking.result import timestamp
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.manifest.card import Card
from edgeir.manifest.parity import Gate, Parity
from edgeir.models.base import parameter_count
from edgeir.runtime.catalog import target_names
from edgeir.runtime.quiet import libraries_silenced

RESULT = Path(__file__).resolve().parent / "results" / "file-size.json"
WEIGHTS = ("initial", "random")
BYTES = {"fp32": 4, "fp16": 2, "int8": 1}


def main() -> int:
    """Export, prove, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", nargs="+", choices=kinds(), default=["danet"])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--target", choices=target_names(), default="tflite")
    parser.add_argument("--precision", choices=tuple(BYTES), default="fp32")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    rows = json.loads(options.out.read_text(encoding="utf-8"))["rows"] if options.out.is_file() else []
    for kind in options.network:
        for weights in WEIGHTS:
            row = measured(kind, weights, options.target, options.precision, options.size)
            rows = [each for each in rows if name_of(each) != name_of(row)] + [row]
            print(json.dumps(row), flush=True)
            write_json(options.out, result(rows))
    print(f"wrote {options.out}")
    return 0


def name_of(row: dict[str, Any]) -> tuple[Any, ...]:
    """What tells a row from the others."""
    return tuple(row[key] for key in ("network", "weights", "target", "precision", "input"))


def measured(kind: str, weights: str, target: str, precision: str, side: int) -> dict[str, Any]:
    """One file."""
    network: Any = network_of(kind, "paper")
    network = lively(network) if weights == "random" else network
    parameters = parameter_count(network)
    card = Card(
        name=kind,
        model=network.config.model_dump(mode="json"),
        facts=network.facts,
        parameters=parameters,
        weights_sha256="0" * 64,
    )
    gate = Gate.model_validate(dict.fromkeys(Gate.model_fields, 1000.0))
    profile = read_profile(f"{target}-{precision}").model_copy(update={"gate": gate})
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, libraries_silenced():
        artifact = export_network(
            network, card, profile, out=Path(folder) / "a", name=kind, sizes=[(side, side)], golden=False
        )
    file = artifact.main
    assert isinstance(file.parity, Parity)
    of_weights = parameters * BYTES[precision]
    return {
        "network": kind,
        "weights": weights,
        "target": target,
        "precision": precision,
        "input": f"{side}x{side}",
        "parameters": parameters,
        "weight_bytes": of_weights,
        "file_bytes": file.bytes,
        "file_to_weights": round(file.bytes / of_weights, 4),
        "max_abs_error": file.parity.max_abs_error,
        "images": file.parity.images,
        "extremes": file.parity.extremes,
        "extreme_shift": file.parity.extreme_shift,
        "seconds": round(time.monotonic() - began, 1),
    }


def result(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The result file's content."""
    return {
        "kind": "file-size",
        "about": "Files of paper-size networks against their weights in bytes, and against the network on photographs",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "rows": rows,
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/file_size.py: error: {error}")
