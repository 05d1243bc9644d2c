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
            metavar="RESULT...",
            help="Result files of `edgeir bench`, `eval` or `fit`, and folders of them.",
            show_default=False,
        ),
    ],
    *,
    out: NewFolder,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Make Markdown tables, plots of quality against time and one HTML page from results of any devices.

    The page's first table has every file on every device: filter it, sort it by any column, see which rows nothing on
    their device beats, and follow each to its JSON.

    Example: `edgeir report out/bench.json --out out/report`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.reporting.run import report as run

        paths = run(results, out, overwrite=overwrite)
        output.emit(paths, [f"wrote {path}" for path in paths])
