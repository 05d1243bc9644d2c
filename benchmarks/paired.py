"""Shared by the scripts that compare two files: the network, the paired timing, the result's common part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeir.bench.measure import Contender, Schedule, latency_of, measure, ratio_of
from edgeir.core.artifact import Card
from edgeir.core.environment import git_revision, machine, versions
from edgeir.runtime import Session

__all__ = ["network_of", "paired_result", "show"]


def network_of(checkpoint: str | None) -> tuple[Any, Card]:
    """A checkpoint's network, or the 109 K student with seeded random weights (time does not depend on them)."""
    import torch

    from edgeir.models import PlainSR
    from edgeir.train.checkpoint import load_checkpoint

    if checkpoint is not None:
        network, card, _ = load_checkpoint(checkpoint)
        return network, card
    torch.manual_seed(0)
    config = PlainSR(channels=32, blocks=10, branches=())
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
    against: str,
    height: int,
    width: int,
    seconds: float,
    macs: int,
) -> dict[str, Any]:
    """Time the contenders in turns, one thread, at least 30 rounds; rows with latency and the ratio to `against`.

    `ratio` is this row's time over that of `against`, median and 10th to 90th percentile over the rounds.
    """
    schedule = Schedule(budget_s=seconds, min_rounds=30)
    measured = measure([Contender(name, load, height, width) for name, load in contenders.items()], schedule)
    reference = next(entry for entry in measured if entry.name == against)
    rows: dict[str, Any] = {}
    for entry in measured:
        latency = latency_of(entry, height=height, width=width, threads=1, macs=macs, gemm_gmac_s=None)
        row: dict[str, Any] = {"latency": latency.model_dump(mode="json")}
        if entry is not reference:
            ratio = ratio_of(reference, entry)
            row["ratio"] = {
                "against": against,
                "median": ratio.median,
                "p10": ratio.p10,
                "p90": ratio.p90,
                "rounds": ratio.rounds,
            }
        rows[entry.name] = row
    return {
        "subject": "",
        "model": "",
        "output": f"{width}x{height}",
        "threads": 1,
        "environment": {"machine": machine(), "versions": versions(), "revision": git_revision()},
        "rows": rows,
    }


def show(result: dict[str, Any], out: Path) -> None:
    """Print the rows and where they went."""
    for name, row in result["rows"].items():
        latency = row["latency"]
        ratio = row.get("ratio")
        compared = f"  {ratio['median']:.3f}x ({ratio['p10']:.3f}-{ratio['p90']:.3f})" if ratio else ""
        print(f"{name:16s} median {latency['p50_ms']:8.2f} ms  min {latency['min_ms']:8.2f} ms{compared}")
    print(f"wrote {out}")
