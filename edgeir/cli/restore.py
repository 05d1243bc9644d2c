"""``edgeir restore``: a shell over `edgeir.restoring.photo.restore`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeir.cli.options import Json, Overwrite, Quiet, RuntimeChoice, Sigma, TrustCode
from edgeir.cli.output import Output

if TYPE_CHECKING:
    from edgeir.restoring.photo import RestoreReport

__all__ = ["restore"]


def restore(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A photo, or a folder of photos.", show_default=False)
    ],
    destination: Annotated[
        Path, typer.Argument(metavar="OUT", help="File (or folder) to write.", show_default=False)
    ],
    *,
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help="Name from `edgeir models`, a checkpoint or an artifact.",
            show_default=False,
        ),
    ],
    runtime: Annotated[
        RuntimeChoice,
        typer.Option("--runtime", help="What runs the network; auto takes what fits the model."),
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            "-t",
            min=1,
            help="Threads for the network; all cores by default.",
            show_default=False,
        ),
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            "--tile",
            min=1,
            help="Side of a tile in input pixels; smaller needs less memory.",
            show_default=False,
        ),
    ] = None,
    sigma: Sigma = None,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Restore a photo of any size, or a folder of photos.

    Alpha, grayscale, 16 bits, orientation and colour profile survive. In a folder, a file that cannot be read is
    skipped and listed, the rest is done, and the exit code is 1.

    Example: `edgeir restore photo.jpg photo-x4.png --model sr-x4`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.core.environment import available_cores
        from edgeir.restoring.photo import restore as run

        with output.progress() as progress:
            report = run(
                source,
                destination,
                model=model,
                runtime=runtime,
                threads=threads or available_cores(),
                tile=tile,
                sigma=sigma,
                trust_code=trust_code,
                overwrite=overwrite,
                progress=progress,
            )
        lines = [
            f"{entry.output}  {entry.width}x{entry.height}  {entry.seconds:.1f} s"
            for entry in report.restored
        ]
        output.emit(report, lines)
        for entry in report.failed:
            print(f"edgeir: skipped: {entry.error}", file=sys.stderr)
        if report.failed:
            print(f"edgeir: {len(report.failed)} of {_files(report)} could not be restored", file=sys.stderr)
            raise typer.Exit(1)


def _files(report: RestoreReport) -> str:
    count = len(report.failed) + len(report.restored)
    return f"{count} file" if count == 1 else f"{count} files"
