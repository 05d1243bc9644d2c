"""Latency of several sessions, interleaved, so that a slow moment of the machine affects all of them.

Each contender is loaded (`init_ms`), run on four images (the first is `first_run_ms`; PIRM's rule is the mean of
the third and fourth), then warmed up. After that come rounds: in a round every contender has one turn of at least
one run and about `turn_s` seconds, and the order rotates from round to round. A ratio is taken between the turns of
one round, so that a slow moment cancels, and its spread over the rounds is reported. The first run of a turn finds
caches that the other contenders filled: it is not counted where a turn has room for more than one run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeir.benchmarking.result import Latency, Ratio
from edgeir.core.config import Config
from edgeir.core.errors import ArtifactError
from edgeir.core.progress import Progress, no_progress
from edgeir.manifest.facts import NetworkFacts
from edgeir.restoring.tiling import run_tiled
from edgeir.runtime.session import RemoteSession, Session, to_native

__all__ = ["Contender", "Measured", "Schedule", "latency_of", "measure", "percentile", "ratio_of", "runner"]

PIRM_IMAGES = 4
PIRM_DISCARDED = 2


class Schedule(Config):
    """How long to measure."""

    warmup_s: float = 0.5
    """Runs of each contender before the rounds, beyond PIRM's four."""
    turn_s: float = 0.1
    """A contender's turn in a round: at least one run, and more while they fit."""
    budget_s: float = 30.0
    """No round starts after this many seconds of rounds (all contenders together) ..."""
    min_rounds: int = 5
    """... except to reach this number,"""
    max_rounds: int = 200
    """and no more rounds than this."""


class Clock(Protocol):
    """Seconds, monotonic; replaced in tests."""

    def __call__(self) -> float: ...


@dataclass(frozen=True)
class Contender:
    """A session to time: `load` opens it and is timed too. `height`, `width`: output size of one run, in pixels."""

    name: str
    load: Callable[[], Session]
    height: int
    width: int


@dataclass
class Measured:
    """The raw times of one contender, in milliseconds."""

    name: str
    init_ms: float
    pirm_runs_ms: tuple[float, ...]
    """The first runs after loading, one per image."""
    warmup_runs: int = 0
    turns_ms: list[list[float]] = field(default_factory=list)
    """Per round: the runs of its turn."""
    tiled: bool = False
    """The file has another fixed size: a run is the whole image in tiles."""


def measure(
    contenders: Sequence[Contender],
    schedule: Schedule,
    *,
    progress: Progress = no_progress,
    clock: Clock = time.perf_counter,
) -> list[Measured]:
    """Time `contenders` against each other; the result is in their order.

    Raises:
        ArtifactError: a file cannot be loaded or does not take the size.
    """
    running: list[tuple[Measured, Callable[[int], float], Session]] = []
    try:
        for index, contender in enumerate(contenders):
            progress(index, len(contenders) + 1, f"load and warm up {contender.name}")
            running.append(_start(contender, schedule, clock))
        began = clock()
        for number in range(schedule.max_rounds):
            spent = clock() - began
            if number >= schedule.min_rounds and spent >= schedule.budget_s:
                break
            progress(
                len(contenders) + min(1.0, spent / max(schedule.budget_s, 1e-9)),
                len(contenders) + 1,
                f"round {number + 1}",
            )
            for offset in range(len(running)):
                measured, run, _ = running[(number + offset) % len(running)]
                measured.turns_ms.append(_turn(run, schedule.turn_s, clock))
    finally:
        for _, _, session in running:
            session.close()
    progress(len(contenders) + 1, len(contenders) + 1, "timed")
    return [measured for measured, _, _ in running]


def _start(
    contender: Contender, schedule: Schedule, clock: Clock
) -> tuple[Measured, Callable[[int], float], Session]:
    began = clock()
    session = contender.load()
    init_ms = 1e3 * (clock() - began - (session.transport_s if isinstance(session, RemoteSession) else 0.0))
    run, tiled = runner(session, contender.height, contender.width)
    pirm_runs = tuple(_timed(run, image, clock) for image in range(PIRM_IMAGES))
    measured = Measured(contender.name, init_ms, pirm_runs, tiled=tiled, warmup_runs=PIRM_IMAGES)
    until = clock() + schedule.warmup_s
    while clock() < until:
        _timed(run, measured.warmup_runs, clock)
        measured.warmup_runs += 1
    return measured, run, session


def _timed(run: Callable[[int], float], image: int, clock: Clock) -> float:
    began = clock()
    aside = run(image)
    return 1e3 * (clock() - began - aside)


def _turn(run: Callable[[int], float], turn_s: float, clock: Clock) -> list[float]:
    began = clock()
    runs = [_timed(run, 0, clock)]
    if clock() - began >= turn_s / 2:
        return runs
    runs.clear()
    while not runs or clock() - began < turn_s:
        runs.append(_timed(run, len(runs), clock))
    return runs


def runner(
    session: Session, height: int, width: int, *, count: int = PIRM_IMAGES
) -> tuple[Callable[[int], float], bool]:
    """A function that runs image number i (modulo `count`), and whether it has to tile.

    The function gives the seconds of the run that no app pays: the way to a process of its own and back.

    Raises:
        ArtifactError: the network cannot make an output of exactly this size.
    """
    size = input_size(session.facts, height, width)
    images = noise(size, count, session.facts.channels)
    fixed = session.fixed_size
    if fixed is None or fixed == size:
        tensors: list[NDArray[Any]] = [to_native(image, session.input) for image in images]
        images.clear()

        def whole(index: int) -> None:
            session.run_raw(tensors[index % count])

        return _less_transport(whole, session), False

    def tiled(index: int) -> None:
        run_tiled(session.run, images[index % count], session.facts, fixed)

    return _less_transport(tiled, session), True


def _less_transport(run: Callable[[int], None], session: Session) -> Callable[[int], float]:
    def measured(index: int) -> float:
        before = session.transport_s if remote else 0.0  # type: ignore[attr-defined]
        run(index)
        return session.transport_s - before if remote else 0.0  # type: ignore[attr-defined]

    remote = isinstance(session, RemoteSession)
    return measured


def input_size(facts: NetworkFacts, height: int, width: int) -> tuple[int, int]:
    """The network-input size for an output of `height` x `width`.

    Raises:
        ArtifactError: the output size is no multiple of what the network makes of one input pixel.
    """
    step = facts.net_scale * facts.size_multiple
    if height % step or width % step:
        raise ArtifactError(f"cannot make exactly {height}x{width}: sides must be multiples of {step}")
    return height // facts.net_scale, width // facts.net_scale


def noise(size: tuple[int, int], count: int, channels: int = 3) -> list[NDArray[np.float32]]:
    """`count` images (H, W, C) of seeded uniform noise in [0, 1)."""
    source = np.random.default_rng(0)
    return [source.random((*size, channels), dtype=np.float32) for _ in range(count)]


def percentile(samples: Sequence[float], share: float) -> float:
    """The `share` (0 to 1) quantile with linear interpolation between order statistics (numpy's default)."""
    ordered = sorted(samples)
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def latency_of(
    measured: Measured, *, height: int, width: int, threads: int, macs: int | None, gemm_gmac_s: float | None
) -> Latency:
    """Summarise the runs of all rounds; `macs` of one image, `gemm_gmac_s` of the machine."""
    samples = [sample for turn in measured.turns_ms for sample in turn]
    median = percentile(samples, 0.5)
    rate = None if not macs else macs / median / 1e6
    return Latency(
        height=height,
        width=width,
        threads=threads,
        init_ms=round(measured.init_ms, 3),
        first_run_ms=round(measured.pirm_runs_ms[0], 3),
        warmup_runs=measured.warmup_runs,
        repeats=len(samples),
        min_ms=round(min(samples), 3),
        p50_ms=round(median, 3),
        p90_ms=round(percentile(samples, 0.9), 3),
        p99_ms=round(percentile(samples, 0.99), 3),
        mean_ms=round(statistics.fmean(samples), 3),
        pirm_ms=round(statistics.fmean(measured.pirm_runs_ms[PIRM_DISCARDED:]), 3),
        gmac_s=None if rate is None else round(rate, 2),
        gemm_share=None if rate is None or not gemm_gmac_s else round(rate / gemm_gmac_s, 3),
        samples_ms=tuple(round(sample, 3) for sample in samples),
    )


def ratio_of(measured: Measured, other: Measured) -> Ratio:
    """How many times faster `measured` is than `other`: per round, median turn over median turn."""
    rounds = [
        statistics.median(theirs) / statistics.median(mine)
        for mine, theirs in zip(measured.turns_ms, other.turns_ms, strict=True)
    ]
    return Ratio(
        against=other.name,
        median=round(percentile(rounds, 0.5), 4),
        p10=round(percentile(rounds, 0.1), 4),
        p90=round(percentile(rounds, 0.9), 4),
        rounds=len(rounds),
    )
