"""``edgeir bench``: a shell over `edgeir.benchmarking.run.bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import (
    Json,
    Overwrite,
    PrecisionChoice,
    Quiet,
    Suite,
    Threads,
    TimedRuntime,
    TrustCode,
)
from edgeir.cli.output import Output
from edgeir.cli.scores import score_lines

__all__ = ["bench"]


def bench(
    artifacts: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Artifacts, checkpoints or names from `edgeir models`.",
            show_default=False,
        ),
    ],
    *,
    suite: Suite,
    runtime: Annotated[
        list[TimedRuntime] | None,
        typer.Option(
            "--runtime",
            help="What runs checkpoints; repeat for several. [default: torch]",
            show_default=False,
        ),
    ] = None,
    threads: Threads = 1,
    precision: Annotated[
        list[PrecisionChoice] | None,
        typer.Option(
            "--precision",
            help="What checkpoints are exported to; repeat for several. [default: fp32]",
            show_default=False,
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats",
            min=1,
            help="Timed runs of each model; as many as --budget allows.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[float, typer.Option("--budget", min=0.1, help="Seconds of timed runs in all.")] = 30.0,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Only the first N pictures of each set.", show_default=False),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="JSON file (or folder) for the result.", show_default=False)
    ],
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Time models, and measure their quality, memory and size, in one run on this machine.

    An artifact runs on the runtime it was exported for; a checkpoint is exported for each runtime that is asked for.

    `edgeir report` makes a table, a plot and a page of the result.

    Example: `edgeir bench out/fp32 out/int8 --suite pirm-a --out out/bench.json`
    """
    with Output(quiet=quiet, json=json) as output:
        import json as json_format

        from edgeir.benchmarking.run import bench as run

        with output.progress() as progress:
            path = run(
                artifacts,
                suite=suite,
                runtimes=[str(choice) for choice in runtime or ()],
                threads=threads,
                precisions=[str(choice) for choice in precision or ("fp32",)],
                repeats=repeats,
                budget_s=budget,
                limit=limit,
                out=out,
                overwrite=overwrite,
                trust_code=trust_code,
                progress=progress,
            )
        result = json_format.loads(path.read_text(encoding="utf-8"))
        output.emit({"path": path, "result": result}, [*score_lines(result), f"wrote {path}"])
