"""``edgeir report``: a shell over `edgeir.reporting.run.report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import Json, NewFolder, Overwrite, Quiet
from edgeir.cli.output import Output

__all__ = ["report"]


def report(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT.json...",
            help="Result files of `edgeir bench` or `edgeir eval`.",
            show_default=False,
        ),
    ],
    *,
    out: NewFolder,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Make a Markdown table, a plot of quality against time and one HTML page from results.

    Example: `edgeir report out/bench.json --out out/report`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.reporting.run import report as run

        paths = run(results, out, overwrite=overwrite)
        output.emit(paths, [f"wrote {path}" for path in paths])
