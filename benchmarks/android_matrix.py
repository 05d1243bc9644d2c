"""Every network's LiteRT files on the library that Android apps ship, under an emulator.

    python benchmarks/android_matrix.py [--size small paper] [--network edsr …] [--precision int8 …] [--device NAME …]

The files are those of ``benchmarks/matrix.py``: every kind of network in every precision of LiteRT, input about 64x64.
Each is run on its golden input on every device, and the output is compared with that of the LiteRT that is installed
here and with the network's. A file that the library cannot run, because an operator or its version is too new for it,
is found here. Goes on where it was stopped, networks with little work first; ``--again`` makes cells again. Ends with 1
if a file that was exported runs nowhere or computes something wrong. Writes ``benchmarks/results/android-matrix.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from matrix import PRECISIONS, SIZES, card_of, key_of, kinds, network_of, side_of
from old_runtimes import SIDE

from edgeir.benchmarking.result import timestamp
from edgeir.core.assets import list_assets
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json
from edgeir.devices.catalog import connect
from edgeir.devices.device import Device
from edgeir.exporting.profile import read_profile
from edgeir.exporting.prove.golden import golden_problem, run_golden
from edgeir.exporting.run import export_network
from edgeir.manifest.artifact import Artifact
from edgeir.models.base import Network
from edgeir.runtime.quiet import libraries_silenced

RESULT = Path(__file__).resolve().parent / "results" / "android-matrix.json"
TARGET = "tflite"
DEVICES = ("android-arm64:a53", "android-arm64:a76", "android-arm64:max", "android-armv7")
NEAR = 2e-5
"""Difference from LiteRT here that counts as none, on the [0, 1] scale: another order of summation."""


def main() -> int:
    """Fill the matrix."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["small"])
    parser.add_argument("--network", nargs="+", choices=kinds(), default=kinds())
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("--device", nargs="+", default=DEVICES)
    parser.add_argument(
        "--again", action="store_true", help="make cells again that are in the result already"
    )
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    cells: dict[str, dict[str, Any]] = {}
    if options.out.is_file():
        cells = {key_of(cell): cell for cell in json.loads(options.out.read_text(encoding="utf-8"))["cells"]}
    devices = [connect(name) for name in options.device]
    for size in options.size:
        for kind in sorted(options.network, key=lambda kind: _work(kind, size)):
            network = network_of(kind, size)
            for precision in options.precision:
                wanted = {"network": kind, "size": size, "target": TARGET, "precision": precision}
                if f"{TARGET}-{precision}" not in list_assets("profiles"):
                    continue
                if key_of(wanted) in cells and not options.again:
                    continue
                cells[key_of(wanted)] = cell = {**wanted, **made(network, precision, devices)}
                print(f"{key_of(wanted):44s} {said(cell)}", flush=True)
                write_json(options.out, result(cells, devices))
    bad = [key for key, cell in cells.items() if cell["status"] in ("failed", "wrong")]
    print("\n".join([f"wrote {options.out}", *(f"bad: {key}" for key in bad)]))
    return 1 if bad else 0


def _work(kind: str, size: str) -> int:
    network = network_of(kind, size)
    side = side_of(network)
    return int(network.macs(side, side))


def made(network: Network, precision: str, devices: list[Device]) -> dict[str, Any]:
    """Export one file and run it on every device."""
    began = time.monotonic()
    name, side = f"{TARGET}-{precision}", side_of(network)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "a"
        try:
            with libraries_silenced():
                artifact = export_network(
                    network,
                    card_of(network),
                    read_profile(name),
                    out=folder,
                    name=name,
                    sizes=[(side, side)],
                    worst_image=False,
                    refuse=False,
                )
        except EdgeIRError as error:
            return {"status": "not exported", "reason": str(error), "devices": {}, "seconds": 0.0}
        found = {device.facts.device: on_device(device, folder, artifact) for device in devices}
    order = ("failed", "wrong", "refused", "other", "near", "equal")
    worst = min((one["status"] for one in found.values()), key=order.index)
    return {"status": worst, "devices": found, "seconds": round(time.monotonic() - began, 1)}


def on_device(device: Device, folder: Path, artifact: Artifact) -> dict[str, Any]:
    """What became of a file's golden input: equal to LiteRT here, near, other (within the gate), wrong or refused."""
    file = artifact.main
    assert file.golden is not None
    try:
        session = device.open(folder / file.path, artifact, file)
        try:
            proof = run_golden(
                folder, artifact, file, file.golden, session=session, engine=device.facts.runtime
            )
            placed = getattr(session, "placed", None)
        finally:
            session.close()
    except EdgeIRError as error:
        return {"status": "refused", "reason": error.what}
    drift = proof.drift
    status = "equal" if drift == 0 else "near" if drift <= NEAR else "other"
    problem = golden_problem(proof, file.golden)
    if not np.isfinite(proof.max_abs_error) or (problem is not None and status == "other"):
        status = "wrong"
    return {
        "status": status,
        "from_litert": drift,
        "from_network": proof.max_abs_error,
        "placed": placed,
        **({} if problem is None else {"reason": problem}),
    }


def said(cell: dict[str, Any]) -> str:
    """A cell in a line."""
    if not cell["devices"]:
        return f"{cell['status']}: {cell['reason'][:120]}"
    shown = [
        f"{name.rpartition('-')[2]} {one['status']} {one.get('from_litert', one.get('reason', ''))}"
        for name, one in cell["devices"].items()
    ]
    return ", ".join(shown)[:300] + f", {cell['seconds']} s"


def result(cells: dict[str, dict[str, Any]], devices: list[Device]) -> dict[str, Any]:
    """The result file's content."""
    return {
        "kind": "android-matrix",
        "about": "Every network's LiteRT files on TensorFlow Lite's Android library, against LiteRT on this machine",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "devices": [device.facts.model_dump(mode="json") for device in devices],
        "input": f"{SIDE}x{SIDE}",
        "rows": rows(cells),
        "cells": list(cells.values()),
    }


def rows(cells: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per network: of each precision what became of it, on the devices that agree and on those that do not."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in cells.values():
        first = {"network": cell["network"], "configuration": cell["size"]}
        row = found.setdefault((cell["network"], cell["size"]), first)
        said = {name.removeprefix("android-"): one["status"] for name, one in cell["devices"].items()}
        common = max(set(said.values()), key=list(said.values()).count) if said else cell["status"]
        others = [f"{status} on {name}" for name, status in said.items() if status != common]
        row[cell["precision"]] = "; ".join([common, *others])
    return list(found.values())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/android_matrix.py: error: {error}")
