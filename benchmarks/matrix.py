"""Every network in every format at every precision: exported and proved, or refused with the reason.

    python benchmarks/matrix.py [--size small paper] [--network edsr …] [--target tflite …] [--precision int8 …]

Each cell is what `edgeir export` does: convert, run the file on photographs and extremes that calibration did not use,
compare with the network by the gate of the shipped profile. Weights are torch's initial ones (seed 0) but for PlainSR,
which has the zoo's: a network that was not trained can miss the gate of int8 where a trained one passes. Input about
64x64. `small` configurations hold every kind of operator of their network; `paper` ones are the defaults. Goes on where
it was stopped; ``--again`` makes cells again. Ends with 1 if a cell failed in another way than by a refusal. Writes
``benchmarks/results/matrix.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import typing
from pathlib import Path
from typing import Any

from old_runtimes import SIDE, SMALLER

from edgeir.benchmarking.result import timestamp
from edgeir.checkpoint.load import load_checkpoint
from edgeir.core.assets import list_assets
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.manifest.card import Card
from edgeir.manifest.parity import Parity
from edgeir.models import AnyModel
from edgeir.models.base import Network, parameter_count
from edgeir.runtime.catalog import target_names
from edgeir.runtime.quiet import libraries_silenced

RESULT = Path(__file__).resolve().parent / "results" / "matrix.json"
PRECISIONS = ("fp32", "fp16", "w8", "dynamic", "int8", "int8-tensor", "int16x8")
SIZES = ("small", "paper")
TRAINED = {"plainsr": "sr-x4-xs"}
NOT_MINE = {"module", "spandrel"}
"""Kinds that stand for the networks of others: benchmarks/popular.py tries those."""


def main() -> int:
    """Fill the matrix."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["small"])
    parser.add_argument("--network", nargs="+", choices=kinds(), default=kinds())
    parser.add_argument("--target", nargs="+", choices=target_names(), default=target_names())
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument(
        "--again", action="store_true", help="make cells again that are in the result already"
    )
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    cells: dict[str, dict[str, Any]] = {}
    if options.out.is_file():
        cells = {key_of(cell): cell for cell in json.loads(options.out.read_text(encoding="utf-8"))["cells"]}
    for size in options.size:
        for kind in options.network:
            network: Network | None = None
            for target in options.target:
                for precision in options.precision:
                    wanted = {"network": kind, "size": size, "target": target, "precision": precision}
                    if key_of(wanted) in cells and not options.again:
                        continue
                    network = network or network_of(kind, size)
                    cells[key_of(wanted)] = cell = {**wanted, **made(network, target, precision)}
                    print(f"{key_of(wanted):44s} {cell['status']:8s} {said(cell)}", flush=True)
                    write_json(options.out, result(cells))
    failed = [key for key, cell in cells.items() if cell["status"] == "failed"]
    print("\n".join([f"wrote {options.out}", *(f"failed: {key}" for key in failed)]))
    return 1 if failed else 0


def kinds() -> list[str]:
    """The kinds of edgeir's own networks."""
    members = typing.get_args(typing.get_args(AnyModel)[0])
    found = [member.model_fields["kind"].default for member in members]
    return [kind for kind in found if kind not in NOT_MINE]


def key_of(cell: dict[str, Any]) -> str:
    """A cell's name."""
    return "/".join(str(cell[part]) for part in ("network", "size", "target", "precision"))


def network_of(kind: str, size: str) -> Network:
    """A network of a kind, with the zoo's weights where it has them and the configuration is the small one."""
    import torch

    if size == "small" and kind in TRAINED:
        return load_checkpoint(TRAINED[kind])[0]
    members = typing.get_args(typing.get_args(AnyModel)[0])
    (member,) = [each for each in members if each.model_fields["kind"].default == kind]
    torch.manual_seed(0)
    network: Network = member(**(SMALLER.get(kind, {}) if size == "small" else {})).build()
    return network.eval()


def side_of(network: Network) -> int:
    """Side of a cell's input: about `SIDE`, and one that the network takes."""
    scale = network.facts.scale if network.facts.input_kind == "bicubic" else 1
    step = max(network.facts.size_multiple, scale)
    return -(-SIDE // step) * step


def card_of(network: Network) -> Card:
    """The card of weights that no checkpoint holds."""
    return Card(
        name=network.config.kind,
        model=network.config.model_dump(mode="json"),
        facts=network.facts,
        parameters=parameter_count(network),
        weights_sha256="0" * 64,
    )


def made(network: Network, target: str, precision: str) -> dict[str, Any]:
    """Export and prove one cell."""
    name = f"{target}-{precision}"
    began = time.monotonic()
    if name not in list_assets("profiles"):
        return {
            "status": "refused",
            "reason": f"the target {target} does not write {precision}",
            "seconds": 0.0,
        }
    side, card = side_of(network), card_of(network)
    try:
        with tempfile.TemporaryDirectory() as folder, libraries_silenced():
            artifact = export_network(
                network,
                card,
                read_profile(name),
                out=Path(folder) / "a",
                name=name,
                sizes=[(side, side)],
                golden=False,
            )
        file = artifact.main
        assert isinstance(file.parity, Parity)
        needs = file.needs
        found = {
            "status": "proved",
            "max_abs_error": file.parity.max_abs_error,
            "psnr_drop_db": file.parity.psnr_drop_db,
            "bytes": file.bytes,
            "oldest_stated": None if needs is None else needs.stated,
            "oldest_measured": None if needs is None else needs.measured,
        }
    except EdgeIRError as error:
        kind = "missed" if type(error).__name__ == "ParityError" else "refused"
        found = {"status": kind, "reason": str(error)}
    except Exception as error:
        found = {"status": "failed", "reason": f"{type(error).__name__}: {error}"[:300]}
    return {**found, "seconds": round(time.monotonic() - began, 1), "parameters": card.parameters}


def said(cell: dict[str, Any]) -> str:
    """A cell in a line."""
    if cell["status"] == "proved":
        return f"{cell['max_abs_error']:.1e}, {cell['psnr_drop_db']:+.3f} dB, {cell['seconds']} s"
    return str(cell["reason"])[:150]


def result(cells: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The result file's content."""
    return {
        "kind": "matrix",
        "about": "Every network in every format and precision, exported and proved or refused",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "input": f"{SIDE}x{SIDE}",
        "rows": rows(cells),
        "cells": list(cells.values()),
    }


def rows(cells: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per network and size, one column per target: its precisions that are proved, missed or refused."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in cells.values():
        row = found.setdefault(
            (cell["network"], cell["size"]), {"network": cell["network"], "configuration": cell["size"]}
        )
        if cell["status"] == "refused" and cell["seconds"] == 0.0:
            continue  # the format has no such precision, for any network
        marks = {"proved": "", "missed": " misses the gate", "refused": " refused", "failed": " FAILED"}
        text = f"{cell['precision']}{marks[cell['status']]}"
        row[cell["target"]] = f"{row[cell['target']]}, {text}" if cell["target"] in row else text
    return list(found.values())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/matrix.py: error: {error}")
