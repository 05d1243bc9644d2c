"""``edgeir publish``: a shell over `edgeir.benchmarking.publish.publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import Json, Overwrite, Quiet, parse_size
from edgeir.cli.output import Output

__all__ = ["publish"]


def publish(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Run folder (its last checkpoint), checkpoint folder, or name from `edgeir models`.",
            show_default=False,
        ),
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the entry.", show_default=False)],
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Folder of the entries; edgeir/zoo is edgeir's own.", show_default=False
        ),
    ],
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", "-s", help="Measure on this suite; repeat for several.", show_default=False),
    ] = None,
    results: Annotated[
        Path, typer.Option("--results", help="Folder for the result files of the measurements.")
    ] = Path("benchmarks") / "results",
    about: Annotated[
        str | None,
        typer.Option(
            "--about", help="One paragraph for the card; the recipe's by default.", show_default=False
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--licence",
            help="Of the weights, and what restricts their use. Required once.",
            show_default=False,
        ),
    ] = None,
    training_data: Annotated[
        str | None,
        typer.Option(
            "--training-data",
            help="What it was trained on; the recipe's sources by default.",
            show_default=False,
        ),
    ] = None,
    cite: Annotated[
        list[str] | None,
        typer.Option("--cite", help="A paper to cite; repeat for several.", show_default=False),
    ] = None,
    file_size: Annotated[
        str | None,
        typer.Option(
            "--file-size",
            metavar="HxW",
            help="Bring an int8 file of this input size, which runs without torch.",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Make a zoo entry of a trained network: fused weights, and a card with its licence and measured quality.

    Other commands take the entry's folder as MODEL. What the checkpoint's own card says already (a published network's
    licence, for example) need not be given again.

    Example: `edgeir publish sr-x4 my-sr-x4 --out out/zoo --results out --suite embedded-x4`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.benchmarking.publish import ZooNotes
        from edgeir.benchmarking.publish import publish as run_publish

        notes = ZooNotes(
            about=about, licence=licence, training_data=training_data, citations=tuple(cite) if cite else None
        )
        with output.progress() as progress:
            made = run_publish(
                run,
                name,
                zoo=out,
                results=results,
                notes=notes,
                suites=suite or (),
                file_size=parse_size(file_size) if file_size else None,
                overwrite=overwrite,
                progress=progress,
            )
        figures = [
            f"  {key}: {value['psnr_db']:.2f} dB ({value['images']} images)"
            for key, value in made.card.metrics.items()
        ]
        written = [f"wrote {path}" for path in (*made.results, made.folder)]
        output.emit(made, [f"{name}: {made.card.parameters:,} parameters", *figures, *written])
