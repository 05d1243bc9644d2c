"""Popular networks of other authors on every target: proved, or refused with the cause.

    python benchmarks/popular.py [--network SPAN …] [--target tflite …]

Each network of ``popular_networks.py`` is saved as a ``.pth`` file as its author would, and exported from that file
like a user's, in fp32 for images of 64x64: recognised by spandrel, its facts found by probing, converted, run on
photographs and extremes, and compared with the torch network. Depths are reduced, which leaves the operators as they
are. Writes ``benchmarks/results/popular.json``; with ``--network`` only these rows of it. Each row has its revision.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from popular_networks import NETWORKS, Popular, made

from edgeir.benchmarking.result import timestamp
from edgeir.checkpoint.load import load_checkpoint
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError, ParityError
from edgeir.core.files import write_json
from edgeir.exporting.run import export
from edgeir.manifest.parity import Parity

RESULT = Path(__file__).resolve().parent / "results" / "popular.json"
TARGETS = ("tflite", "onnx", "coreml", "ncnn")
SIDE = 64


def main() -> int:
    """Make, export, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", nargs="+", help="the start of names; all by default")
    parser.add_argument("--target", nargs="+", default=TARGETS, choices=TARGETS)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    chosen = [one for one in NETWORKS if not options.network or one.name.startswith(tuple(options.network))]
    old = json.loads(options.out.read_text()) if options.network and options.out.is_file() else {}
    names = [one.name for one in chosen]
    rows: list[dict[str, Any]] = [row for row in old.get("rows", []) if row["network"] not in names]
    causes: list[dict[str, str]] = [one for one in old.get("causes", []) if one["network"] not in names]
    with tempfile.TemporaryDirectory() as name:
        os.environ["EDGEIR_CACHE"] = name
        for entry in chosen:
            row, why = measured(entry, options.target, Path(name))
            print(" | ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            rows.append(row | {"revision": git_revision()})
            causes += why
            write_json(options.out, result(rows, causes))
    print(f"wrote {options.out}")
    return 0


def measured(
    entry: Popular, targets: tuple[str, ...], folder: Path
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """One row: facts, and per target the largest error; with the causes of refusals."""
    file = folder / f"{entry.network}-{len(list(folder.iterdir()))}.pth"
    torch.save({"params_ema": made(entry).state_dict()}, file)
    row: dict[str, Any] = {"network": entry.name}
    causes: list[dict[str, str]] = []
    try:
        network, card, _ = load_checkpoint(file)
        facts = network.facts
        sees: Any = "whole image" if facts.global_operations else facts.receptive_radius
        row |= {"parameters": card.parameters, "radius": sees}
    except EdgeIRError as error:
        causes.append({"network": entry.name, "target": "any", "cause": said(error, file)})
        return row | {"parameters": None, "radius": None} | dict.fromkeys(targets, "refused"), causes
    for target in targets:
        try:
            artifact = export(
                file, target=target, sizes=[(SIDE, SIDE)], out=folder / "out", golden=False, overwrite=True
            )
            parity = artifact.main.parity
            assert isinstance(parity, Parity)
            row[target] = f"{parity.max_abs_error:.0e}" if parity.max_abs_error else "0"
        except EdgeIRError as error:
            row[target] = "differs" if isinstance(error, ParityError) else "refused"
            causes.append({"network": entry.name, "target": target, "cause": said(error, file)})
    return row, causes


def said(error: EdgeIRError, file: Path) -> str:
    """The message, without the name of the temporary file."""
    return " ".join(error.what.replace(str(file), file.name).split())


def result(rows: list[dict[str, Any]], causes: list[dict[str, str]]) -> dict[str, Any]:
    """The result file's content."""
    order = [one.name for one in NETWORKS]
    rows = sorted(rows, key=lambda row: order.index(row["network"]))
    causes = sorted(causes, key=lambda one: order.index(one["network"]))
    return {
        "kind": "popular",
        "about": "Popular networks of other authors in fp32 on every target: largest error, or refused",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "input": f"{SIDE}x{SIDE}",
        "rows": rows,
        "causes": causes,
    }


if __name__ == "__main__":
    raise SystemExit(main())
