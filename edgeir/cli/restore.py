"""``edgeir restore``: a shell over `edgeir.restoring.photo.Restoration`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeir.cli.options import Json, Overwrite, Quiet, RuntimeChoice, Sigma
from edgeir.cli.output import Output
from edgeir.core.errors import ConfigError

if TYPE_CHECKING:
    from edgeir.restoring.photo import Restoration
    from edgeir.restoring.report import RestoreReport

__all__ = ["restore"]


def restore(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A photo, or a folder of photos.", show_default=False)
    ],
    destination: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="File to write, or folder to write into (made where missing).",
            show_default=False,
        ),
    ],
    *,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Network: a name from `edgeir models`, a checkpoint or an artifact.",
            show_default=False,
        ),
    ] = None,
    runtime: Annotated[
        RuntimeChoice,
        typer.Option("--runtime", help="What runs the network; `auto` chooses by the model."),
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
            help="Side of a tile in pixels of the photo; smaller needs less memory. "
            "Tiled output equals whole-image output.",
            show_default=False,
        ),
    ] = None,
    sigma: Sigma = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="File format of results in a folder: png, jpg, tif, webp or bmp; that of each photo by default. "
            "What it cannot hold becomes a PNG.",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing", help="Leave out photos whose results exist: continue an interrupted run."
        ),
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Restore a photo of any size, or all photos of a folder.

    Alpha, grayscale, 16 bits, orientation and colour profile are kept. In a folder, an image that cannot be restored is
    listed, the rest is done, and the exit code is 1. After an error that concerns all of them, or Ctrl-C, the report
    says what was done and what was not.

    Example: `edgeir restore photo.jpg photo-x4.png --model sr-x4`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.core.environment import available_cores
        from edgeir.restoring.photo import Restoration

        run = Restoration(
            source,
            destination,
            model=_named(model),
            tile=tile,
            format=format,
            overwrite=overwrite,
            skip_existing=skip_existing,
        )
        try:
            with output.progress() as progress:
                report = run.run(
                    runtime=runtime,
                    threads=threads or available_cores(),
                    sigma=sigma,
                    progress=progress,
                )
        except BaseException as error:  # Ctrl-C and a termination too; it goes on to the caller
            _say_what_was_done(run, error, output)
            raise
        _show(report, output)
        if not report.complete:
            raise typer.Exit(1)


def _named(model: str | None) -> str:
    """The model, which an error asks for that says which networks come with edgeir, and for what.

    Not left to the command line's parser: it knows the option's name only.
    """
    if model is not None:
        return model
    from edgeir.core.assets import find_zoo, list_zoo
    from edgeir.manifest.card import read_card

    known = []
    for name in list_zoo():
        card = read_card(find_zoo(name))
        scale = f" x{card.facts.scale}" if card.facts.scale > 1 else ""
        known.append(f"{name} ({card.facts.task}{scale}, {card.parameters:,} parameters)")
    offer = f"one of {', '.join(known)}, or " if known else ""
    raise ConfigError(
        ["no network is named"], fix=f"pass --model with {offer}a checkpoint or artifact of your own"
    )


def _say_what_was_done(run: Restoration, error: BaseException, output: Output) -> None:
    reason = "interrupted" if isinstance(error, (KeyboardInterrupt, SystemExit)) else str(error)
    report = run.report(stopped=reason)
    if run.folder and (report.restored or report.failed):
        _show(report, output)
        print(
            f"edgeir: {_images(len(report.restored))} restored, {len(report.pending)} not tried "
            "(run it again with --skip-existing)",
            file=sys.stderr,
        )


def _show(report: RestoreReport, output: Output) -> None:
    lines = [
        f"{entry.output}  {entry.width}x{entry.height}  {entry.seconds:.1f} s" for entry in report.restored
    ]
    output.emit(report, lines)
    for line in (remark for entry in report.restored for remark in entry.remarks):
        output.note(f"edgeir: {line}")
    if report.existing:
        output.note(f"edgeir: {_images(len(report.existing))} left out: the results exist")
    for entry in report.failed:
        print(f"edgeir: not restored: {entry.error}", file=sys.stderr)
    for skipped in report.skipped:
        print(f"edgeir: skipped: {skipped.input}: {skipped.reason}", file=sys.stderr)
    missed = len(report.failed) + len(report.skipped)
    if missed:
        total = missed + len(report.restored) + len(report.existing) + len(report.pending)
        print(f"edgeir: {missed} of {_images(total)} could not be restored", file=sys.stderr)


def _images(count: int) -> str:
    return f"{count} image" if count == 1 else f"{count} images"
