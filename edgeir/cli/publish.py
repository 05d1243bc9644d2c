"""``edgeir publish``: a shell over `edgeir.benchmarking.publish.publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import Json, Overwrite, PrecisionChoice, Quiet, parse_size
from edgeir.cli.output import Output

__all__ = ["publish"]


def publish(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Network: a run folder (its last checkpoint), a checkpoint folder, or a name from `edgeir models`.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the new zoo entry.", show_default=False)
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Folder for zoo entries; `edgeir/zoo` holds edgeir's own.", show_default=False
        ),
    ],
    suite: Annotated[
        list[str] | None,
        typer.Option(
            "--suite", "-s", help="Benchmark suite to measure on; repeat for several.", show_default=False
        ),
    ] = None,
    results: Annotated[
        Path, typer.Option("--results", help="Folder for the JSON results of the measurements.")
    ] = Path("benchmarks") / "results",
    about: Annotated[
        str | None,
        typer.Option(
            "--about",
            help="Description for the card, one paragraph. Default: the recipe's.",
            show_default=False,
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--licence",
            help="Licence of the weights, and what restricts their use; needed unless the card has one.",
            show_default=False,
        ),
    ] = None,
    training_data: Annotated[
        str | None,
        typer.Option(
            "--training-data",
            help="Training data, for the card. Default: the recipe's sources.",
            show_default=False,
        ),
    ] = None,
    cite: Annotated[
        list[str] | None,
        typer.Option("--cite", help="Paper to cite, for the card; repeat for several.", show_default=False),
    ] = None,
    file_size: Annotated[
        str | None,
        typer.Option(
            "--file-size",
            metavar="HxW",
            help="Bring a file of this input size, which runs without torch.",
            show_default=False,
        ),
    ] = None,
    file_precision: Annotated[
        PrecisionChoice, typer.Option("--file-precision", help="Precision of that file.")
    ] = "int8",
    use: Annotated[
        str | None,
        typer.Option("--use", help="What it is for, in a few words, for lists.", show_default=False),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Make a zoo entry from a trained network: fused weights, and a card with its licence and measured quality.

    Other commands take the folder of the entry as a model. What the card of the checkpoint says already, like the
    licence of a published network, need not be given again.

    Example: `edgeir publish sr-x4 my-sr-x4 --out out/zoo --results out --suite embedded-x4`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.benchmarking.publish import ZooNotes
        from edgeir.benchmarking.publish import publish as run_publish

        notes = ZooNotes(
            about=about,
            use=use,
            licence=licence,
            training_data=training_data,
            citations=tuple(cite) if cite else None,
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
                file_precision=str(file_precision),
                overwrite=overwrite,
                progress=progress,
            )
        figures = [
            f"  {key}: {value['psnr_db']:.2f} dB ({value['images']} images)"
            for key, value in made.card.metrics.items()
        ]
        written = [f"wrote {path}" for path in (*made.results, made.folder)]
        output.emit(made, [f"{name}: {made.card.parameters:,} parameters", *figures, *written])
