"""Shared by the scripts that compare files of one network: the network, the paired timing, the result's common part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeir.benchmarking.result import timestamp
from edgeir.benchmarking.timing.machine_load import load_average
from edgeir.benchmarking.timing.measure import Contender, Schedule, latency_of, measure, ratio_of
from edgeir.core.environment import git_revision, machine, versions
from edgeir.manifest.card import Card
from edgeir.runtime.session import Session

__all__ = ["network_of", "paired_result", "show"]

MIN_ROUNDS = 30


def network_of(checkpoint: str | None) -> tuple[Any, Card]:
    """A checkpoint's network, or the 109 K student with seeded random weights (time does not depend on them)."""
    import torch

    from edgeir.checkpoint.load import load_checkpoint
    from edgeir.models import PlainSRConfig

    if checkpoint is not None:
        network, card, _ = load_checkpoint(checkpoint)
        return network, card
    torch.manual_seed(0)
    config = PlainSRConfig(channels=32, blocks=10, branches=())
    network = config.build()
    card = Card(
        name="plainsr-32x10-random",
        model=config.model_dump(mode="json"),
        facts=network.facts,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        weights_sha256="",
    )
    return network, card


def paired_result(
    contenders: dict[str, Callable[[], Session]],
    *,
    about: str,
    model: str,
    against: str,
    height: int,
    width: int,
    seconds: float,
    macs: int,
) -> dict[str, Any]:
    """Time the contenders in turns, one thread, at least `MIN_ROUNDS` rounds.

    Each row has its latency and ``time_ratio``: its time over that of `against`, the median over the rounds, with the
    10th and 90th percentile beside it.
    """
    load_before = load_average()
    schedule = Schedule(budget_s=seconds, min_rounds=MIN_ROUNDS)
    measured = measure([Contender(name, load, height, width) for name, load in contenders.items()], schedule)
    reference = next(entry for entry in measured if entry.name == against)
    rows: list[dict[str, Any]] = []
    for entry in measured:
        latency = latency_of(entry, height=height, width=width, threads=1, macs=macs, gemm_gmac_s=None)
        ratio = ratio_of(reference, entry)
        rows.append(
            {
                "name": entry.name,
                "p50_ms": latency.p50_ms,
                "p90_ms": latency.p90_ms,
                "min_ms": latency.min_ms,
                "time_ratio": ratio.median,
                "ratio_p10": ratio.p10,
                "ratio_p90": ratio.p90,
                "rounds": ratio.rounds,
                "gmac_s": latency.gmac_s,
                "samples_ms": list(latency.samples_ms),
            }
        )
    return {
        "about": about,
        "created": timestamp(),
        "model": model,
        "output": f"{width}x{height}",
        "threads": 1,
        "warmup_s": schedule.warmup_s,
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "load_average": {"before": load_before, "after": load_average()},
        "rows": rows,
    }


def show(result: dict[str, Any], out: Path) -> None:
    """Print the rows and where they went."""
    for row in result["rows"]:
        spread = f"({row['ratio_p10']:.3f}-{row['ratio_p90']:.3f})"
        times = f"median {row['p50_ms']:8.2f} ms, min {row['min_ms']:8.2f} ms"
        print(f"{row['name']:16s} {times}, {row['time_ratio']:.3f}x {spread}")
    print(f"wrote {out}")
