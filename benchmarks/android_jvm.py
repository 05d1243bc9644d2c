"""The library for Android apps in a JVM: two interpreters against one, tiles against one piece.

    make android
    python benchmarks/android_jvm.py BUNDLE [--precision int8] [--size 1024x768] [--tile 384] [--repeats 5]

BUNDLE is a bundle with a LiteRT file (``edgeir export sr-x4 --bundle --target tflite --precision int8 --size
180x320``), run by TensorFlow Lite's own x86-64 library. An image of noise is restored whole, without writing it: by one
interpreter in tiles, by two on separate tiles, by one over the image in one piece, and by one in tiles of the file's
own size. The first run of each is not counted.

Two interpreters need two idle cores: measure on a machine that does nothing else; its load is part of the file. Writes
``benchmarks/results/android-jvm.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeir.benchmarking.result import timestamp
from edgeir.benchmarking.timing.machine_load import load_average
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import DeviceError, EdgeIRError
from edgeir.core.files import write_json
from edgeir.devices.runner.jvm import PRELOADED, write_jvm
from edgeir.devices.runner.toolchain import tool

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks/results/android-jvm.json"
MODULES = ROOT / "export/android"
CLASSES = (
    "restorer/target/classes",
    "restorer/target/test-classes",
    "tflite/target/classes",
    "tflite/target/test-classes",
)


def main(arguments: list[str]) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--precision", default="int8")
    parser.add_argument("--size", default="1024x768", help="width and height of the image")
    parser.add_argument("--tile", type=int, default=384)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULT)
    chosen = parser.parse_args(arguments)
    try:
        result = measure(chosen)
    except EdgeIRError as error:
        print(f"android_jvm.py: error: {error}", file=sys.stderr)
        return 2
    write_json(chosen.out, result)
    for row in result["rows"]:
        print(f"{row['measure']}: {row['median']}")
    print(f"wrote {chosen.out}")
    return 0


def measure(chosen: argparse.Namespace) -> dict[str, Any]:
    """One JVM."""
    width, height = chosen.size.split("x")
    before = load_average()
    words = [str(chosen.bundle), chosen.precision, width, height, str(chosen.tile), str(chosen.repeats)]
    with tempfile.TemporaryDirectory() as folder:
        write_jvm(Path(folder))
        timed = run(Path(folder), words)
    one, two, whole, own = (statistics.median(timed[name]) for name in ("one_s", "two_s", "whole_s", "own_s"))
    figures = {
        "one interpreter, s": one,
        "two interpreters, s": two,
        "two against one, speed-up": one / two,
        "one piece, s": whole,
        "tiles against one piece": one / whole,
        "the file's own tiles, s": own,
        "the file's own tiles against these": own / one,
    }
    return {
        "kind": "android-jvm",
        "about": "the library for Android apps in a JVM, on TensorFlow Lite's x86-64 library",
        "created": timestamp(),
        "model": json.loads((chosen.bundle / "edgeir.json").read_text(encoding="utf-8"))["source"],
        "precision": chosen.precision,
        "image": [int(width), int(height)],
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "load_before": before,
        "load_after": load_average(),
        **timed,
        "rows": [{"measure": name, "median": round(value, 3)} for name, value in figures.items()],
    }


def run(
    folder: Path,
    words: list[str],
    *,
    program: str = "org.edgeir.tflite.Bench",
    heap: Sequence[str] = ("-Xmx2g",),
) -> dict[str, Any]:
    """What a Java program prints."""
    paths = [MODULES / name for name in CLASSES]
    if not all(path.is_dir() for path in paths):
        raise DeviceError("the library is not built", where=MODULES, fix="make android")
    command = [str(tool("java", "default-jdk-headless")), *heap, f"-Djava.library.path={folder}"]
    command += ["-cp", os.pathsep.join(map(str, paths)), program, *words]
    environment = {**os.environ, "LD_PRELOAD": str(folder / PRELOADED)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeviceError(
            f"the measurement failed: {(done.stderr.splitlines() or ['no message'])[-1]}", where=words[0]
        )
    timed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return timed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
