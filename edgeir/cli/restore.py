"""``edgeir restore``: a shell over `edgeir.restoring.photo.Restoration`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeir.cli.options import EngineChoice, Json, Overwrite, Quiet, RuntimeChoice, Sigma, TrustCode
from edgeir.cli.output import Output
from edgeir.core.errors import ConfigError

if TYPE_CHECKING:
    from edgeir.restoring.engines import AnyEngine
    from edgeir.restoring.photo import Restoration
    from edgeir.restoring.report import RestoreReport

__all__ = ["restore"]

_CLUSTER = "On several processes or machines"


def restore(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="Photo to restore, or a folder of photos.", show_default=False),
    ],
    destination: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="File to write; for a folder of photos, a folder, created if it does not exist.",
            show_default=False,
        ),
    ],
    *,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Network: a name from `edgeir models`, a checkpoint folder, an artifact or a bundle.",
            show_default=False,
        ),
    ] = None,
    runtime: Annotated[
        RuntimeChoice,
        typer.Option("--runtime", help="Runtime for the network; `auto` takes the one that fits the model."),
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            "-t",
            min=1,
            help="CPU threads that run the network. Default: all cores.",
            show_default=False,
        ),
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            "--tile",
            min=1,
            help="Side of a tile, in pixels of the photo; a smaller one needs less memory. "
            "Tiled output equals whole-image output.",
            show_default=False,
        ),
    ] = None,
    sigma: Sigma = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="File format of the results in a folder: png, jpg, tif, webp or bmp. Default: that of each photo. "
            "An image that the format cannot hold is written as PNG.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        EngineChoice,
        typer.Option(
            "--engine",
            help="Where the photos of a folder are restored: one after the other here, or by the workers of a Ray "
            "cluster, of one thread each.",
            rich_help_panel=_CLUSTER,
        ),
    ] = "local",
    ray_address: Annotated[
        str | None,
        typer.Option(
            "--ray-address",
            metavar="HOST:PORT",
            help="Running Ray cluster (or `auto`: that of this machine), all of whose machines see the photos and the "
            "results under the same paths. Default: $RAY_ADDRESS, else one is started here for the run.",
            rich_help_panel=_CLUSTER,
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="Workers at once; each needs memory for the network and a photo. Default: all cores of the cluster.",
            rich_help_panel=_CLUSTER,
            show_default=False,
        ),
    ] = None,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Skip photos whose result exists already, to continue an interrupted folder.",
        ),
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Restore a photo of any size, or every photo in a folder.

    Alpha, grayscale, 16 bits, orientation and colour profile are kept. A photo in a folder that cannot be restored
    is listed, the others are restored, and the exit code is 1. After Ctrl-C, or an error that stops them all, the
    report lists what was restored and what was not. `--engine ray` (`pip install 'edgeir[ray]'`) restores a folder
    on a cluster.

    Example: `edgeir restore photo.jpg photo-x4.png --model sr-x4`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.core.environment import available_cores
        from edgeir.core.trust import trusting_code
        from edgeir.restoring.photo import Restoration

        where = _engine(engine, ray_address, workers)
        run = Restoration(
            source,
            destination,
            model=_named(model),
            tile=tile,
            format=format,
            overwrite=overwrite,
            skip_existing=skip_existing,
            engine=where,
        )
        try:
            with trusting_code(trust_code), output.progress() as progress:
                report = run.run(
                    runtime=runtime,
                    threads=threads or (1 if where.kind == "ray" else available_cores()),
                    sigma=sigma,
                    progress=progress,
                )
        except BaseException as error:  # Ctrl-C and a termination too; it goes on to the caller
            _say_what_was_done(run, error, output)
            raise
        _show(report, output)
        if not report.complete:
            raise typer.Exit(1)


def _engine(kind: str, ray_address: str | None, workers: int | None) -> AnyEngine:
    from edgeir.restoring.engines import Local, Ray

    if kind == "ray":
        return Ray(address=ray_address, workers=workers)
    given = [
        name for name, value in (("--ray-address", ray_address), ("--workers", workers)) if value is not None
    ]
    if given:
        raise ConfigError([f"{' and '.join(given)} is for a Ray cluster only"], fix="add --engine ray")
    return Local()


def _named(model: str | None) -> str:
    """The model, which an error asks for that says which networks come with edgeir, and for what.

    Not left to the command line's parser: it knows the option's name only.
    """
    if model is not None:
        return model
    from edgeir.core.assets import find_zoo, list_zoo
    from edgeir.manifest.card import read_card
    from edgeir.reporting.zoo_table import use_of

    known = "; ".join(f"{name}: {use_of(read_card(find_zoo(name)))}" for name in list_zoo())
    offer = f"one of these ({known}), or " if known else ""
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
