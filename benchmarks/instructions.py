"""Instructions per inference of the networks that come with edgeir, by kind, on every emulated core.

    python benchmarks/instructions.py [--network sr-x4-xs …] [--precision int8 …] [--device android-arm64:a76 …]

Every network is exported for 180x320 (height x width) in each precision and counted on each device; the int8 file that
comes with it is counted as well. The second inference is counted, in one thread; figures are the same every time.
Instructions are not time: they are a cost that no other load of the machine disturbs. `per_pixel` is per pixel of the
network's input. Goes on where it was stopped; ``--again`` makes rows again. Ends with 1 where a row is above its budget
(``benchmarks/instruction-budget.json``). Writes ``benchmarks/results/instructions.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeir.benchmarking.result import timestamp
from edgeir.core.assets import find_zoo, list_zoo
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json
from edgeir.core.progress import no_progress
from edgeir.devices.catalog import connect
from edgeir.exporting.run import export
from edgeir.manifest.artifact import Artifact, read_artifact
from edgeir.manifest.card import read_card

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "instructions.json"
BUDGET = HERE / "instruction-budget.json"
TARGET, PACKAGED = "tflite", "litert"
DEVICES = ("android-arm64:a53", "android-arm64:a76", "android-arm64:max", "android-armv7")
SIZE = (180, 320)
SHARES = {
    "multiply": ("dot_product", "matrix_product", "widening_multiply", "multiply", "float_multiply"),
    "memory": ("load", "store"),
    "branch": ("branch",),
}
"""Kinds of instructions that a table adds up."""
PRECISIONS = ("int8", "fp32", "fp16")


def main() -> int:
    """Count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", nargs="+", choices=list_zoo(), default=list_zoo()[::-1])
    parser.add_argument("--precision", nargs="+", default=PRECISIONS)
    parser.add_argument("--device", nargs="+", default=DEVICES)
    parser.add_argument("--again", action="store_true", help="make rows again that are in the result already")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    rows: dict[str, dict[str, Any]] = {}
    if options.out.is_file():
        rows = {key_of(row): row for row in json.loads(options.out.read_text(encoding="utf-8"))["cells"]}
    for network in options.network:
        with tempfile.TemporaryDirectory() as scratch:
            for folder, artifact, file in files(network, options.precision, Path(scratch)):
                for device in options.device:
                    wanted = {"network": network, "file": file, "device": device}
                    if key_of(wanted) in rows and not options.again:
                        continue
                    rows[key_of(wanted)] = row = {**wanted, **counted(device, folder, artifact)}
                    print(f"{key_of(wanted):60s} {row['per_pixel']:10.1f} per pixel", flush=True)
                    write_json(options.out, result(rows))
    above = over_budget(list(rows.values()), json.loads(BUDGET.read_text(encoding="utf-8")))
    print("\n".join([f"wrote {options.out}", *above]))
    return 1 if above else 0


def files(network: str, precisions: list[str], scratch: Path) -> Iterator[tuple[Path, Artifact, str]]:
    """The file that comes with a network, and its exports: folder, manifest, and what the file is called."""
    packaged = find_zoo(network) / PACKAGED
    artifact, folder = read_artifact(packaged)
    yield folder, artifact, f"packaged {artifact.main.precision}"
    trained = read_card(find_zoo(network)).quantization
    for precision in precisions:
        if trained is not None and precision != trained["plan"]:
            continue  # a network in integers is exported by its own plan alone
        out = scratch / precision
        made = export(
            network,
            target=TARGET,
            precision=precision,
            sizes=[SIZE],
            out=out,
            golden=False,
            worst_image=False,
        )
        yield out, made, precision


def counted(device_name: str, folder: Path, artifact: Artifact) -> dict[str, Any]:
    """The counts of one file on one device."""
    file = artifact.main
    assert file.size is not None
    device = connect(device_name)
    try:
        run = device.time(folder / file.path, artifact, file, size=file.size, progress=no_progress)
        facts = device.facts
    finally:
        device.close()
    assert run.instructions is not None
    height, width = file.size
    return {
        "size": [height, width],
        "runtime": facts.runtime,
        "core": facts.chip,
        "system": facts.system,
        "macs": file.macs,
        "placed": run.placed,
        "sha256": file.sha256,
        "instructions": run.instructions,
        "per_pixel": round(run.instructions["total"] / (height * width), 1),
    }


def over_budget(rows: list[dict[str, Any]], budget: dict[str, float]) -> list[str]:
    """The rows that cost more instructions per pixel than they may, in words."""
    return [
        f"{key_of(row)}: {row['per_pixel']} instructions per pixel, {budget[key_of(row)]} are allowed"
        for row in rows
        if row["per_pixel"] > budget.get(key_of(row), float("inf"))
    ]


def key_of(row: dict[str, Any]) -> str:
    """A row's name."""
    return f"{row['network']}/{row['file']}/{row['device']}"


def result(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The result file's content."""
    return {
        "kind": "instructions",
        "about": "Instructions of one inference by kind, on TensorFlow Lite's Android library; they are not time",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "rows": table(list(rows.values())),
        "cells": list(rows.values()),
    }


def table(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each file: instructions per pixel on every core, and the share of each kind."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in cells:
        height, width = cell["size"]
        first = {"network": cell["network"], "file": cell["file"], "input": f"{height}x{width}"}
        row = found.setdefault((cell["network"], cell["file"]), first)
        core = cell["device"].rpartition(":")[2].removeprefix("android-")
        row[core] = round(cell["per_pixel"])
        counts = cell["instructions"]
        for name, kinds in SHARES.items():
            if kinds[0] in counts:
                share = sum(counts[kind] for kind in kinds) / counts["total"]
                row[f"{core} {name} %"] = round(100 * share)
    return list(found.values())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/instructions.py: error: {error}")
