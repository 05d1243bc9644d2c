"""The cost of the deformable convolution: time against a dense one of nine times the input channels, and memory.

    python benchmarks/deformable.py [--rounds 30] [--threads 1]

Time: forward and backward, with the gradients of everything, of the modulated deformable 3x3 (64 channels, 8 groups,
128x128) and of a dense 3x3 with nine times the input channels, in turns in one process; of torchvision's operator on
the same numbers too, where torchvision is installed and loads. Memory: the peak of a new
process per size, less that of a process that runs it on 8x8. Writes ``benchmarks/results/deformable.json``; run it on a
machine that does nothing else, the result records the load.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from edgeir.benchmarking.result import timestamp
from edgeir.benchmarking.timing.child import peak_mib
from edgeir.benchmarking.timing.machine_load import load_average
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.files import write_json
from edgeir.models.blocks.deformable import DeformableConv

RESULT = Path(__file__).resolve().parent / "results" / "deformable.json"
CHANNELS, GROUPS, SIDE = 64, 8, 128
SMALLEST, SIDES = 8, (64, 128, 256)
GOAL = 3.0


def main(arguments: list[str]) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peak-of", type=int, metavar="SIDE", help="only print this process's peak, in MiB")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.peak_of is not None:
        deformable_step(options.peak_of)()
        print(peak_mib())
        return
    load_before = load_average()
    time_row = timed(options.rounds)
    memory = peaks(options.threads)
    result = {
        "kind": "deformable",
        "about": "deformable 3x3, forward and backward, against a dense 3x3 with nine times the input channels",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "load_average": {"before": load_before, "after": load_average()},
        "threads": options.threads,
        "channels": CHANNELS,
        "groups": GROUPS,
        "side": SIDE,
        "time": time_row,
        "memory": memory,
        "rows": rows(time_row, memory),
    }
    write_json(options.out, result)
    ratio = time_row["ratio"]
    spread = f"{ratio['p10']:.2f}-{ratio['p90']:.2f}"
    print(f"{ratio['median']:.2f} times the dense one ({spread}; the goal is at most {GOAL:.0f})")
    if "torchvision" in time_row:
        other = time_row["torchvision"]
        print(f"{other['ratio']['median']:.2f} times torchvision {other['version']}'s")
    for row in memory:
        print(f"{row['side']:4d}: {row['peak_mib']:7.1f} MiB, {row['bytes_per_pixel']:.0f} bytes per pixel")


def rows(time_row: dict[str, Any], memory: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same flat, for a table: the time beside the dense convolution at one size, memory at all."""
    ratio = time_row["ratio"]
    columns = {"times the dense 3x3's time": ratio}
    if "torchvision" in time_row:
        columns["times torchvision's time"] = time_row["torchvision"]["ratio"]
    times = {
        name: f"{ratio['median']:.2f} ({ratio['p10']:.2f} to {ratio['p90']:.2f})"
        for name, ratio in columns.items()
    }
    return [
        {
            "picture": f"{row['side']}x{row['side']}",
            **{name: text if row["side"] == SIDE else None for name, text in times.items()},
            "peak MiB": row["peak_mib"],
            "bytes per pixel": row["bytes_per_pixel"],
        }
        for row in memory
    ]


def timed(rounds: int) -> dict[str, Any]:
    """Median, 10th and 90th percentile in ms of each, and of the ratio of two times of a round."""
    steps = {"deformable": deformable_step(SIDE), "dense": dense_step(SIDE)}
    theirs = torchvisions(SIDE)
    if theirs is not None:
        version, steps["torchvision"] = theirs
    samples: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(rounds):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            samples[name].append(1e3 * (time.perf_counter() - started))
    ratios = np.array(samples["deformable"]) / np.array(samples["dense"])
    row: dict[str, Any] = {f"{name}_ms": spread_of(np.array(values)) for name, values in samples.items()}
    if theirs is not None:
        ratio = np.array(samples["deformable"]) / np.array(samples["torchvision"])
        row["torchvision"] = {"version": version, "ratio": spread_of(ratio)}
    return {"rounds": rounds, "goal": GOAL, "ratio": spread_of(ratios), **row}


def spread_of(values: np.ndarray) -> dict[str, float]:
    """Median, 10th and 90th percentile."""
    p10, median, p90 = np.percentile(values, (10, 50, 90))
    return {"median": round(median, 3), "p10": round(p10, 3), "p90": round(p90, 3)}


def peaks(threads: int) -> list[dict[str, Any]]:
    """Peak memory of one step per size, each in a process of its own, above the smallest size's."""
    found = {side: _peak_of(side, threads) for side in (SMALLEST, *SIDES)}
    rows = []
    for side in SIDES:
        more = found[side] - found[SMALLEST]
        per_pixel = more * 2**20 / (side**2 - SMALLEST**2)
        rows.append({"side": side, "peak_mib": round(more, 1), "bytes_per_pixel": round(per_pixel)})
    return rows


def _peak_of(side: int, threads: int) -> float:
    command = [sys.executable, __file__, "--peak-of", str(side), "--threads", str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def deformable_step(side: int) -> Callable[[], None]:
    """Forward and backward of the deformable convolution, offsets of about a pixel."""
    layer, x, offsets, masks = _inputs(side)
    return lambda: layer(x, offsets, masks).sum().backward()


def torchvisions(side: int) -> tuple[str, Callable[[], None]] | None:
    """torchvision's version, and forward and backward of its operator on the same numbers; None where it cannot run."""
    layer, x, offsets, masks = _inputs(side)

    def step() -> None:
        operator(x, offsets, layer.weight, layer.bias, padding=(1, 1), mask=masks).sum().backward()

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import torchvision
            from torchvision.ops import deform_conv2d as operator
        step()  # a library that does not fit this torch shows at the latest here
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        print(f"without torchvision: {error}", file=sys.stderr)
        return None
    return torchvision.__version__, step


def _inputs(side: int) -> tuple[DeformableConv, torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return (
        DeformableConv(CHANNELS, CHANNELS, GROUPS),
        torch.randn(1, CHANNELS, side, side, requires_grad=True),
        torch.randn(1, 18 * GROUPS, side, side, requires_grad=True),
        torch.rand(1, 9 * GROUPS, side, side, requires_grad=True),
    )


def dense_step(side: int) -> Callable[[], None]:
    """Forward and backward of a dense 3x3 with nine times the input channels."""
    torch.manual_seed(0)
    layer = nn.Conv2d(9 * CHANNELS, CHANNELS, 3, padding=1)
    x = torch.randn(1, 9 * CHANNELS, side, side, requires_grad=True)
    return lambda: layer(x).sum().backward()


if __name__ == "__main__":
    main(sys.argv[1:])
