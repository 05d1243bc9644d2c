"""``edgeir study``: a shell over `edgeir.benchmarking.study.run.study`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import Json, Overwrite, Quiet
from edgeir.cli.output import Output, table

__all__ = ["study"]


def study(
    file: Annotated[
        Path,
        typer.Argument(metavar="STUDY.yaml", help="Study file: recipe, variants, seeds, suites."),
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="JSON file for the result, or a folder for study-NAME.json.",
            show_default=False,
        ),
    ],
    runs: Annotated[
        Path, typer.Option("--runs", help="Folder that keeps the runs, so that a stopped study can continue.")
    ] = Path("runs") / "studies",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Compare variants of a recipe: train each with every seed for equal steps, and measure every run.

    The table has the mean over the seeds with its 95 % Student-t interval, and the difference to the reference variant,
    paired by seed. The same command continues a stopped study; finished runs are kept.

    Example: `edgeir study benchmarks/studies/demo.yaml --out out/study`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.benchmarking.spread import INTERVAL
        from edgeir.benchmarking.study.run import study as run

        with output.progress() as progress:
            outcome = run(file, out=out, runs=runs, overwrite=overwrite, progress=progress)
        if outcome.result is None:
            done = f"stopped with {outcome.finished} of {outcome.runs} runs measured"
            output.emit(outcome, [f"{done}; the same command goes on"])
            raise typer.Exit(130)
        columns = list(dict.fromkeys(key for row in outcome.result.rows for key in row if key != "what"))
        lines = [columns, *([row.get(key, "-") for key in columns] for row in outcome.result.rows)]
        notes = [f"note: {note}" for note in outcome.result.notes]
        output.emit(outcome, [*table(lines), f"({INTERVAL})", *notes, f"wrote {outcome.path}"])
