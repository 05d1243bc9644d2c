"""Training steps per CPU second with one process and with two: what data-parallel training costs beside the arithmetic.

    python benchmarks/scaling.py [--seconds 20] [--rounds 3]

`edgeir train` runs with ``--devices 1`` and ``--devices 2``, in turns, on the same recipe and the same global batch;
every process has one thread. CPU time (user and system, of all processes of the command) is read between two
steps after the start, so neither the imports nor the building of the store count, and a machine that does something
else meanwhile makes both slower in wall time, not in CPU time. With linear scaling the two need the same CPU time for a
step: efficiency is the ratio of their steps per CPU second, formed within a round. Linux only: it reads /proc. Writes
benchmarks/results/scaling.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.errors import TrainingError
from edgeir.core.files import write_json

RESULT = Path(__file__).resolve().parent / "results" / "scaling.json"
GOAL = 0.9
WARM_UP = 5
"""Steps before the first reading: the prefetcher fills its queue, the allocator and the kernels are warm."""

RECIPE = {
    "name": "scaling",
    "about": "plainsr-m of the zoo, with the images that come with edgeir and without validation",
    "model": {"kind": "plainsr", "scale": 4, "channels": 32, "blocks": 10},
    "data": {
        "sources": [{"kind": "embedded"}],
        "degradation": {"kind": "bicubic", "scale": 4, "flavour": "matlab"},
        "patch": 48,
        "batch": 16,
    },
    "optim": {"kind": "adam", "lr": 1e-3},
    "train": {"steps": 10**6, "log_every": 1, "validate_every": 10**6, "save_every": 10**6, "ema": 0.999},
    "validation": {"sources": [{"kind": "embedded"}], "limit": 1, "size": 48},
}


def main(arguments: list[str]) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20, help="of each run, after its first steps")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    ratios: list[float] = []
    for index in range(options.rounds):
        order = (1, 2) if index % 2 == 0 else (2, 1)
        measured = {processes: measure(processes, options.seconds) for processes in order}
        ratio = measured[2]["steps_per_cpu_s"] / measured[1]["steps_per_cpu_s"]
        ratios.append(round(ratio, 4))
        rows += [
            {"round": index + 1, **measured[count], "efficiency": share}
            for count, share in ((1, 1.0), (2, ratios[-1]))
        ]
        print(f"round {index + 1}: {ratio:.3f} of linear")
    result = {
        "kind": "scaling",
        "about": "steps per CPU second of all processes with two processes, against one; the global batch is the same",
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "recipe": RECIPE,
        "threads_per_process": 1,
        "load": [round(value, 1) for value in os.getloadavg()],
        "goal": GOAL,
        "efficiency_median": statistics.median(ratios),
        "efficiency_range": [min(ratios), max(ratios)],
        "rows": rows,
    }
    write_json(RESULT, result)
    print(f"efficiency of two processes: {result['efficiency_median']:.3f} of linear (goal {GOAL})")


def measure(processes: int, seconds: float) -> dict[str, Any]:
    """Train for a while; steps, CPU seconds and wall seconds between two steps."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipe.yaml").write_text(yaml.safe_dump(RECIPE), encoding="utf-8")
        log = folder / "run" / "metrics.jsonl"
        # Threads are those of the machine's share of each process.
        environment = {**os.environ, "OMP_NUM_THREADS": str(processes), "EDGEIR_CACHE": str(folder / "cache")}
        words = ["train", "recipe.yaml", "--out", "run", "--devices", str(processes), "-q"]
        with (folder / "errors").open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "edgeir", *words],
                cwd=folder,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            try:
                first = reading(process, log, WARM_UP, folder / "errors")
                time.sleep(seconds)
                last = reading(process, log, first["step"] + WARM_UP, folder / "errors")
            finally:
                process.terminate()
                process.wait()
    steps, cpu = last["step"] - first["step"], last["cpu_s"] - first["cpu_s"]
    return {
        "processes": processes,
        "steps": steps,
        "cpu_s": round(cpu, 2),
        "wall_s": round(last["wall_s"] - first["wall_s"], 2),
        "steps_per_cpu_s": round(steps / cpu, 4),
    }


def reading(process: subprocess.Popen[bytes], log: Path, least: int, errors: Path) -> dict[str, Any]:
    """The step and the CPU time at the moment at which a step of at least `least` is logged.

    Raises:
        TrainingError: the training ended.
    """
    before = step_of(log)
    while True:
        if process.poll() is not None:
            raise TrainingError(f"the training ended: {errors.read_text(errors='replace')[-500:]}")
        step = step_of(log)
        if step > before and step >= least:
            return {"step": step, "cpu_s": cpu_seconds(process.pid), "wall_s": time.perf_counter()}
        before = step
        time.sleep(0.005)


def step_of(log: Path) -> int:
    """The last step in a run's metrics; 0 before the first."""
    if not log.exists():
        return 0
    for line in reversed(log.read_text(encoding="utf-8").splitlines()):
        try:
            row = json.loads(line)
        except ValueError:  # it is being written
            continue
        if "step" in row:
            return int(row["step"])
    return 0


def cpu_seconds(root: int) -> float:
    """User and system time of a process and of all that it has started and that still run."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)], ticks[int(entry.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    total = 0
    for pid, used in ticks.items():
        above = pid
        while above not in (0, root):
            above = parents.get(above, 0)
        total += used if above == root else 0
    return total / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(sys.argv[1:])
