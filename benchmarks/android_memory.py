"""Memory that one interpreter takes for its tile, by TensorFlow Lite's Android library in a JVM.

    make android
    python benchmarks/android_memory.py [--network sr-x4 …] [--precision fp32 int8] [--tile 0 256 384]

Each network of the tests' bundles (``export/android/build/data/bundles``, files for 64x64) restores an image of noise
of 720x720 pixels in a JVM of its own, in tiles of the side that is asked for (0: the file's own). What is given is the
growth of the process's resident memory from before the model is loaded to its peak: interpreter, buffers of the tile,
and the check of the golden image in such tiles. Java's heap is touched before, so that it does not count. Writes
``benchmarks/results/android-memory.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from android_jvm import MODULES, ROOT, run

from edgeir.benchmarking.result import timestamp
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json
from edgeir.devices.runner.jvm import write_jvm

RESULT = ROOT / "benchmarks/results/android-memory.json"
BUNDLES = MODULES / "build/data/bundles"
NETWORKS = ("sr-x4", "sr-x4-xs", "denoise")
HEAP = ("-Xms600m", "-Xmx600m", "-XX:+AlwaysPreTouch")


def main(arguments: list[str]) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", nargs="+", default=NETWORKS)
    parser.add_argument("--precision", nargs="+", default=("fp32", "int8"))
    parser.add_argument("--tile", nargs="+", type=int, default=(0, 256, 384))
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args(arguments)
    try:
        rows = measure(chosen)
    except EdgeIRError as error:
        print(f"android_memory.py: error: {error}", file=sys.stderr)
        return 2
    result = {
        "kind": "android-memory",
        "about": "memory of one interpreter of TensorFlow Lite's Android library, by the size of its tile",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "rows": rows,
    }
    write_json(chosen.out, result)
    print(f"wrote {chosen.out}")
    return 0


def measure(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """One JVM for each network, precision and tile."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_jvm(Path(folder))
        for network in chosen.network:
            manifest = json.loads((BUNDLES / network / "edgeir.json").read_text(encoding="utf-8"))
            for precision in chosen.precision:
                path = next(file["path"] for file in manifest["files"] if file["precision"] == precision)
                for tile in chosen.tile:
                    words = [str(BUNDLES / network), path, str(tile)]
                    found = run(Path(folder), words, program="org.edgeir.tflite.BenchMemory", heap=HEAP)
                    height, width = found["tile"]
                    row = {
                        "network": network,
                        "precision": precision,
                        "tile": f"{width}×{height}",
                        "added, MiB": found["added_mib"],
                        "bytes per pixel": round(found["added_mib"] * (1 << 20) / (height * width)),
                    }
                    rows.append(row)
                    print(row, flush=True)
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
