"""Corrupt model files at random, adapt their manifests, and record what loading and running them does to the process.

    python benchmarks/fuzz_files.py [--files 5000] [--target tflite onnx ort coreml ncnn] [--seed 0]

Every corrupt file has one to four changed bytes (of a format that is a folder: one of its files in turn), and its
hash in the manifest is recomputed, as if both came from one author. It is loaded and run as by `edgeir restore`, in a
process that continues with the next one: its death is a failure. Counts the files that were refused (and those of
them that crashed the trial in a child process), that gave the same image as before, and that gave another one. Writes
``benchmarks/results/fuzz-files.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from edgeir.benchmarking.result import timestamp
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import ArtifactError, EdgeIRError
from edgeir.core.files import sha256_tree, tree_bytes, write_json
from edgeir.runtime.loading import load

RESULT = Path(__file__).resolve().parent / "results" / "fuzz-files.json"
SIDE = 16
TARGETS = ("tflite", "onnx", "ort", "coreml", "ncnn")
KINDS = (
    *(("tflite", precision) for precision in ("fp32", "fp16", "int8")),
    *((target, precision) for target in ("onnx", "ort", "ncnn") for precision in ("fp32", "int8")),
    *(("coreml", precision) for precision in ("fp16", "w8")),
)


def main() -> int:
    """Export, corrupt, count."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=400, help="corrupt files of each kind")
    parser.add_argument("--target", nargs="+", choices=TARGETS, default=TARGETS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        work(Path(options.worker[0]), int(options.worker[1]), int(options.worker[2]))
        return 0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EDGEIR_CACHE"] = f"{folder}/cache"
        for target, precision in KINDS:
            if target in options.target:
                artifact = Path(folder) / f"{target}-{precision}"
                make(artifact, target, precision)
                rows.append(count(artifact, options.seed, options.files))
                print(json.dumps(rows[-1]), flush=True)
    write_json(
        options.out,
        {
            "kind": "fuzz-files",
            "about": "one to four changed bytes in small model files whose manifests were made to fit",
            "created": timestamp(),
            "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
            "rows": rows,
        },
    )
    print(f"wrote {options.out}")
    return 1 if any(row["killed_at"] for row in rows) else 0


def make(out: Path, target: Any, precision: Any) -> None:
    """A small student with random weights, exported."""
    import torch

    from edgeir.exporting.profile import read_profile
    from edgeir.exporting.run import export_network
    from edgeir.manifest.card import Card
    from edgeir.manifest.parity import Gate
    from edgeir.models import PlainSRConfig

    torch.manual_seed(0)
    network = PlainSRConfig(channels=8, blocks=1, branches=()).build().eval()
    card = Card(name="fuzz", model={}, facts=network.facts, parameters=1, weights_sha256="0" * 64)
    gate = Gate.model_validate(dict.fromkeys(Gate.model_fields, 1000.0))
    profile = read_profile(f"{target}-{precision}").model_copy(update={"gate": gate})
    sizes = [(SIDE, SIDE)] if target in ("tflite", "coreml") else []
    export_network(network, card, profile, out=out, name=f"{target}-{precision}", sizes=sizes)


def count(artifact: Path, first: int, files: int) -> dict[str, Any]:
    """Run the worker until every seed is done; a seed at which it died is counted and passed over."""
    found: Counter[str] = Counter()
    crashes: list[int] = []
    killers: list[int] = []
    seed = first
    while seed < first + files:
        arguments = ["--worker", str(artifact), str(seed), str(first + files)]
        worker = subprocess.run(
            [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=False
        )
        for line in worker.stdout.splitlines():
            seed, outcome = int(line.split("\t")[0]) + 1, line.split("\t")[1]
            found[outcome] += 1
            if outcome == "crashed the child":
                crashes.append(seed - 1)
        if worker.returncode:
            killers.append(seed)
            found["process killed" if worker.returncode < 0 else "traceback"] += 1
            seed += 1
    size = tree_bytes(next(artifact.glob("model.*")))
    names = ("refused", "crashed the child", "same image", "another image", "process killed", "traceback")
    counts = {name: found[name] for name in names}
    return {
        "file": artifact.name,
        "bytes": size,
        "files": files,
        **counts,
        "crashed_at": crashes,
        "killed_at": killers,
    }


def work(artifact: Path, first: int, end: int) -> None:
    """Corrupt, load and run the files of these seeds; one line each."""
    model = next(artifact.glob("model.*"))
    manifest = json.loads((artifact / "artifact.json").read_text())
    parts = [model] if model.is_file() else sorted(path for path in model.rglob("*") if path.is_file())
    originals = [part.read_bytes() for part in parts]
    image = np.random.default_rng(0).random((SIDE, SIDE, 3), dtype=np.float32)
    expected = load(artifact).run(image)
    with tempfile.TemporaryDirectory() as folder:
        damaged = Path(folder) / model.name
        for seed in range(first, end):
            if model.is_dir():
                shutil.rmtree(damaged, ignore_errors=True)
                shutil.copytree(model, damaged)
            chosen = seed % len(parts)
            victim = damaged / parts[chosen].relative_to(model) if model.is_dir() else damaged
            victim.write_bytes(changed(originals[chosen], seed))
            manifest["files"][0]["sha256"] = sha256_tree(damaged)
            (Path(folder) / "artifact.json").write_text(json.dumps(manifest))
            try:
                restored = load(folder).run(image)
                outcome = "same image" if np.array_equal(restored, expected) else "another image"
            except ArtifactError as error:
                outcome = "crashed the child" if "crashes" in error.what else "refused"
            print(f"{seed}\t{outcome}", flush=True)


def changed(content: bytes, seed: int) -> bytes:
    """One to four bytes changed, half the time among the first 2 KB, where the structure of a small file is densest."""
    generator = np.random.default_rng(seed)
    data = bytearray(content)
    end = len(data) if generator.random() < 0.5 else min(len(data), 2048)
    for _ in range(int(generator.integers(1, 5))):
        data[int(generator.integers(0, end))] ^= int(generator.integers(1, 256))
    return bytes(data)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/fuzz_files.py: error: {error}")
