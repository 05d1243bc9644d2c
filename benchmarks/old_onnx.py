"""The ONNX and ORT files of every network on older releases of ONNX Runtime, and in OpenCV's DNN module.

    python benchmarks/old_onnx.py [--runtime onnxruntime==1.17.3 …] [--network edsr …]

Like ``old_runtimes.py``, whose networks and judgement these are: small configurations, random weights, 64x64 in, each
run in a process of its own in an environment of its own (2.8 GB in all, made by pip where it is not there), compared
with the torch network. The files take any size, and once more one size, which is what OpenCV wants. Also tries which
operator sets and IR versions each release reads. Writes ``benchmarks/results/old-onnx.json``, in which networks and
runtimes that were not asked for stay; ends with 1 where a file that was right in the result before is not any more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from old_runtimes import (
    HERE,
    RIGHT,
    SIDE,
    became_worse,
    converted,
    installed,
    oldest_right,
    run,
    summarised,
)

from edgeir.benchmarking.result import timestamp
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import write_json

RESULT = HERE / "results" / "old-onnx.json"
ORT = "onnxruntime"
RUNTIMES = (
    *(f"{ORT}=={v}" for v in ("1.15.1", "1.16.3", "1.17.3", "1.18.1", "1.20.1")),
    *(f"{ORT}=={v}" for v in ("1.22.1", "1.24.4", "1.27.0", "1.31.1")),
    *(f"opencv-python-headless=={v}" for v in ("4.5.5.64", "4.8.1.78", "4.10.0.84", "4.14.0.94", "5.0.0.93")),
)
OPENCV_SLACK = 5.0
"""OpenCV multiplies 3x3 kernels by Winograd's method, which rounds otherwise: 3e-5 where ONNX Runtime has 1e-6."""
WORKER = "old_onnx_worker.py"
OPSETS, IRS = range(7, 29), range(3, 15)


def main() -> int:
    """Convert, install, run, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", nargs="+", help="kinds of networks; all by default")
    parser.add_argument("--runtime", nargs="+", default=RUNTIMES, help="requirements, oldest first")
    parser.add_argument(
        "--environments", type=Path, default=Path(tempfile.gettempdir()) / "edgeir-old-runtimes"
    )
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    reads: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = (SIDE, SIDE)
        files = [
            *converted(options.network, tuple(RIGHT), folder, target="onnx", size=None),
            *converted(options.network, ("fp32", "int8"), folder, target="onnx", size=size, label="fixed-"),
            *converted(options.network, ("fp32", "int8"), folder, target="ort", size=None, label="ort-"),
        ]
        for runtime in options.runtime:
            environment = installed(runtime, options.environments)
            own = [file for file in files if runtime.startswith(ORT) or "ort-" not in file.precision]
            for mode in ("optimised", "plain") if runtime.startswith(ORT) else ("dnn",):
                runs = [run(file, environment, mode, WORKER) for file in own]
                slack = 1.0 if runtime.startswith(ORT) else OPENCV_SLACK
                rows += (added := summarised(runtime, mode, own, runs, slack))
                for row in added:
                    said = f"{row['right']}/{row['files']} right, {row['refused']} refused"
                    print(f"{runtime:34s} {mode:9s} {row['precision']:11s} {said}", flush=True)
            if runtime.startswith(ORT):
                reads[runtime.partition("==")[2]] = newest_stamps(environment)
    worse = became_worse(options.out, rows, "runs")  # before it is replaced
    if options.out.is_file():
        before = json.loads(options.out.read_text(encoding="utf-8"))
        rows, reads = merged(before["runs"], rows), before["reads"] | reads
    write_json(options.out, result(rows, reads))
    print("\n".join([f"wrote {options.out}", *worse]))
    return 1 if worse else 0


def result(rows: list[dict[str, Any]], reads: dict[str, dict[str, int]]) -> dict[str, Any]:
    """The result file's content."""
    by_kind = {
        "onnxruntime": [row for row in rows if row["runtime"].startswith(ORT)],
        "opencv": [row for row in rows if not row["runtime"].startswith(ORT)],
    }
    return {
        "kind": "old-onnx",
        "about": "ONNX and ORT files of small networks on older releases of ONNX Runtime, and in OpenCV",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "input": f"{SIDE}x{SIDE}",
        "right_below": RIGHT,
        "opencv_slack": OPENCV_SLACK,
        "reads": reads,
        "oldest_right": {name: oldest_right(own) for name, own in by_kind.items() if own},
        "rows": table(rows),
        "runs": rows,
    }


def merged(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of both, those of one runtime, mode and precision made one; a network in both counts as it is now."""
    parts = ("runtime", "kernels", "precision")
    rows = {tuple(row[part] for part in parts): row for row in before}
    for row in now:
        key = tuple(row[part] for part in parts)
        rows[key] = joined(rows[key], row) if key in rows else row
    order = {runtime: place for place, runtime in enumerate(RUNTIMES)}
    return sorted(rows.values(), key=lambda row: order.get(row["runtime"], len(order)))


def joined(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Two rows of the same runtime, mode and precision, of other networks."""
    kept = {name for name in before["each_error"] if name not in now["each_error"]}
    each = {
        key: {name: value for name, value in before[key].items() if name in kept} | now[key]
        for key in ("not_right", "each_error", "each_ms")
    }
    refused = sum(isinstance(what, str) and what != "NaN" for what in each["not_right"].values())
    files, wrong = len(each["each_error"]), len(each["not_right"]) - refused
    errors = [row["worst_error"] for row in (before, now) if row["worst_error"] is not None]
    return {
        **now,
        "files": files,
        "right": files - wrong - refused,
        "wrong": wrong,
        "refused": refused,
        "worst_error": max(errors, default=None),
        "total_ms": round(sum(ms or 0.0 for ms in each["each_ms"].values()), 2),
        **each,
    }


def table(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per runtime: files that are right with and without its optimiser, of all, for each precision."""
    rows: dict[str, dict[str, Any]] = {}
    for precision in dict.fromkeys(one["precision"] for one in runs):
        for runtime in dict.fromkeys(one["runtime"] for one in runs):
            own = [one for one in runs if (one["runtime"], one["precision"]) == (runtime, precision)]
            files = {name for one in own for name in one["each_error"]}
            wrong = {name for one in own for name in one["not_right"]}
            said = f"{len(files - wrong)} of {len(files)}" if own else None
            rows.setdefault(runtime, {"runtime": runtime})[precision] = said
    return [*rows.values()]


def newest_stamps(environment: Path) -> dict[str, int]:
    """The newest operator set and IR version that the ONNX Runtime of an environment reads."""
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "stamp", ends[:1], ends[1:])
    with tempfile.TemporaryDirectory() as folder:
        for name, opset, ir in [*(("opset", n, 4) for n in OPSETS), *(("ir", 7, n) for n in IRS)]:
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
            onnx.save(model, f"{folder}/{name}-{opset if name == 'opset' else ir}.onnx")
        command = [sys.executable, "-S", str(HERE / WORKER), folder, "-", "-", "stamps", "1"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(environment)}
        )
    found: dict[str, int] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeIRError as error:
        sys.exit(f"benchmarks/old_onnx.py: error: {error}")
