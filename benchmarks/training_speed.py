"""What a step of `edgeir train` costs beside a bare torch loop on the same network.

    python benchmarks/training_speed.py [--rounds 15] [--threads 1]

The 109 K student (PlainSR, 32 channels, 10 blocks, ×4) is trained in three settings: 16 patches of 48×48, as its recipe
`super-resolution/plainsr-m` says (8 patches), and as `super-resolution/plainsr-m-distill` says (16 patches of 32×32,
losses on luma, a cached teacher). edgeir's loop is the whole command: patches cut and augmented from a store, losses,
gradient clipping, averaged weights, checks, metrics. The bare loop is convolutions in channels-last layout, L1, Adam,
on one batch that stays in memory: once with the fused network ("plain"), once with the branches of the training form.
All take turns in one process, in an order that rotates; a ratio is formed within a round, and given with its spread.
So is the ratio of processor times, the data thread's among them, which other processes disturb less. The matrix
product's rate is measured in the same rounds. What single parts cost is measured by themselves, after that.
Writes ``benchmarks/results/training-speed.json``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from training_parts import parts

from edgeir.benchmarking.result import timestamp
from edgeir.benchmarking.timing.machine_load import BackgroundLoad
from edgeir.benchmarking.timing.untrained import save_network
from edgeir.core.environment import git_revision, machine, versions
from edgeir.core.files import write_json
from edgeir.models import PlainSRConfig
from edgeir.models.base import channels_last
from edgeir.training.run import distill, train

RESULT = Path(__file__).resolve().parent / "results" / "training-speed.json"
STUDENT = PlainSRConfig(channels=32, blocks=10)
GEMM = 1024
GOAL = 1.3
PLAIN, BRANCHES = "torch, plain", "torch, with branches"
NEVER = 10_000_000
"""Steps of a run that the benchmark stops itself, and between two checkpoints."""
COMMON = [
    "data.sources=[{kind: embedded}]",
    "data.rescale=[1.0]",
    "train.precision=32-true",
    f"train.steps={NEVER}",
    f"train.validate_every={NEVER}",
    f"train.save_every={NEVER}",
]
SETTINGS: dict[str, tuple[str, list[str], int, int]] = {
    "16 patches of 48": ("super-resolution/plainsr-m", ["data.batch=16"], 16, 48),
    "plainsr-m": ("super-resolution/plainsr-m", [], 8, 48),
    "plainsr-m-distill": ("super-resolution/plainsr-m-distill", ["fine_tune_from=null"], 16, 32),
}
"""Name to recipe, its changes, patches per step and their side."""

Step = Callable[[], None]


def main(arguments: Sequence[str]) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--turn", type=int, default=4, help="steps of a contender's turn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--setting", choices=SETTINGS, action="append", help="all by default")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    load_before, others = os.getloadavg()[0], BackgroundLoad()
    rows: list[dict[str, Any]] = []
    for name in options.setting or SETTINGS:
        rows += measured(name, options.rounds, options.turn)
    result = {
        "kind": "training-speed",
        "about": "a training step of the 109 K student in edgeir beside a bare torch loop on the same network",
        "created": timestamp(),
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "threads": options.threads,
        "rounds": options.rounds,
        "steps_per_turn": options.turn,
        "load_average": {"before": round(load_before, 2), "after": round(os.getloadavg()[0], 2)},
        "cores_busy_with_others": others.cores(),
        "goal": f"at most {GOAL} times the bare loop on the plain network",
        "rows": rows,
        "parts_ms": parts(STUDENT, patch=48, batch=16, repeats=max(3, options.rounds)),
    }
    write_json(options.out, result)
    show(result, options.out)


def measured(setting: str, rounds: int, turn: int) -> list[dict[str, Any]]:
    """One row for each contender of a setting."""
    recipe, changes, batch, patch = SETTINGS[setting]
    plain = STUDENT.model_copy(update={"branches": ()})
    with ExitStack() as stack:
        steps: dict[str, Step] = {
            "edgeir": stack.enter_context(edgeir_loop(recipe, changes)),
            PLAIN: bare_loop(plain, batch, patch),
            BRANCHES: bare_loop(STUDENT, batch, patch),
        }
        times, processor, gemm = in_turns(steps, rounds, turn)
    macs = training_macs(batch, patch)
    return [
        {
            "setting": setting,
            "loop": name,
            "median ms": round(float(np.median(values)) * 1e3, 1),
            "min ms": round(float(np.min(values)) * 1e3, 1),
            "times the plain loop": spread(values / times[PLAIN]),
            "times the loop with branches": spread(values / times[BRANCHES]),
            "times the plain loop's processor time": spread(processor[name] / processor[PLAIN]),
            "share of the matrix product's rate": round(float(np.median(macs / values / gemm)), 3),
        }
        for name, values in times.items()
    ]


def spread(ratios: Any) -> str:
    """Median, 10th and 90th percentile over the rounds."""
    median, low, high = (float(np.percentile(ratios, share)) for share in (50, 10, 90))
    return f"{median:.3f} ({low:.3f} to {high:.3f})"


def in_turns(steps: dict[str, Step], rounds: int, turn: int) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Seconds per step of every contender by round, on the clock and of all the process's threads, and the matrix
    product's MAC per second in the same rounds."""
    a, b = (torch.rand(GEMM, GEMM) for _ in range(2))
    names = list(steps)
    times: dict[str, list[float]] = {name: [] for name in names}
    processor: dict[str, list[float]] = {name: [] for name in names}
    gemm: list[float] = []
    for name in names:
        for _ in range(3):
            steps[name]()
    for number in range(rounds):
        for offset in range(len(names)):
            name = names[(number + offset) % len(names)]
            began, spent = time.perf_counter(), time.process_time()
            for _ in range(turn):
                steps[name]()
            times[name].append((time.perf_counter() - began) / turn)
            processor[name].append((time.process_time() - spent) / turn)
            began = time.perf_counter()
            torch.mm(a, b)
            gemm.append(GEMM**3 / (time.perf_counter() - began))
    by_round = np.array(gemm).reshape(rounds, -1)
    wall, spent_in = (
        {name: np.array(values) for name, values in kind.items()} for kind in (times, processor)
    )
    return wall, spent_in, np.median(by_round, axis=1)


def training_macs(batch: int, patch: int) -> int:
    """Multiply-accumulates of a step of the plain network: forward, and twice that backward, but for the gradient of
    the input image, which nothing needs."""
    network = STUDENT.model_copy(update={"branches": ()}).build()
    forward = batch * network.macs(patch, patch)
    first = sum(layer.weight.numel() for layer in (network.head.conv.conv, network.residual))
    return 3 * forward - batch * patch * patch * first


def bare_loop(config: PlainSRConfig, batch: int, patch: int) -> Step:
    """The step of a loop that does nothing but train: channels-last, L1, Adam, the same batch every time."""
    torch.manual_seed(0)
    network = channels_last(config.build()).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    lr = torch.rand(batch, patch, patch, 3).permute(0, 3, 1, 2)
    hr = torch.rand(batch, 4 * patch, 4 * patch, 3).permute(0, 3, 1, 2)

    def step() -> None:
        loss = torch.nn.functional.l1_loss(network(lr), hr)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


class _Enough(Exception):
    """Ends the run that is measured."""


@contextmanager
def edgeir_loop(recipe: str, changes: Sequence[str]) -> Iterator[Step]:
    """The step of a real run: the command works in a thread and waits after each step to be asked for the next."""
    asked, done, ending = threading.Semaphore(0), threading.Semaphore(0), threading.Event()
    failure: list[BaseException] = []

    def progress(at: float, total: float, label: str) -> None:
        if total == NEVER:
            done.release()
            asked.acquire()
            if ending.is_set():
                raise _Enough

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command, overrides = train, [*COMMON, *changes]
        if recipe.endswith("distill"):
            command = distill
            teacher = save_network(STUDENT, "untrained", folder / "teacher")
            overrides += [f"objective.distillation.teacher={teacher}"]

        def work() -> None:
            try:
                command(recipe, overrides=overrides, out=folder / "run", progress=progress)
            except _Enough:
                pass
            except BaseException as error:
                failure.append(error)
                done.release()

        os.environ["EDGEIR_CACHE"] = str(folder / "cache")
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        done.acquire()

        def step() -> None:
            asked.release()
            done.acquire()
            if failure:
                raise failure[0]

        try:
            if failure:
                raise failure[0]
            yield step
        finally:
            ending.set()
            asked.release()
            thread.join(timeout=60)


def show(result: dict[str, Any], out: Path) -> None:
    """Print the rows and where they went."""
    for row in result["rows"]:
        print(", ".join(f"{name} {value}" for name, value in row.items()))
    for name, value in result["parts_ms"].items():
        print(f"  {name:40s} {value:8.2f} ms")
    print(f"wrote {out}")


if __name__ == "__main__":
    main(sys.argv[1:])
