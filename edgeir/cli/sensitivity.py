"""``edgeir sensitivity``: a shell over `edgeir.exporting.sensitivity`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeir.cli.options import Json, Overwrite, Quiet, TargetChoice, TrustCode, parse_size
from edgeir.cli.output import Output, table
from edgeir.core.errors import ConfigError

if TYPE_CHECKING:
    from edgeir.exporting.sensitivity import Sensitivity

__all__ = ["sensitivity"]


def sensitivity(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="Network: an artifact, a checkpoint or run folder, or a name from `edgeir models`.",
            show_default=False,
        ),
    ],
    *,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            "--checkpoint",
            help="Checkpoint of an artifact that was not made of a zoo network.",
            show_default=False,
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            help="Folder of photos that set the ranges and are measured. Default: three photographs of scikit-image.",
            show_default=False,
        ),
    ] = None,
    measure: Annotated[
        TargetChoice | None,
        typer.Option(
            "--measure",
            metavar="TARGET",
            help="Also write a file of this format for every layer with that layer in float, and time it here.",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="HxW", help="Input of the files to time.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="PNG to draw the figures to.", show_default=False)
    ] = None,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Measure how much of an int8 network's error each layer makes, and what keeping it in float wins and costs.

    The figures are signal-to-noise ratios of the restored image, the float network's image being the signal. A layer
    that wins much and costs little belongs in a plan's `layers`; `edgeir export --precision auto` does that by itself.

    Example: `edgeir sensitivity sr-x4-xs --out sensitivity.png`
    """
    with Output(quiet=quiet, json=json) as output:
        if size is not None and measure is None:
            raise ConfigError(["--size is for --measure"], fix="add --measure TARGET")
        if out is not None:
            from edgeir.core.files import refuse_existing

            refuse_existing(out, overwrite=overwrite)
        with output.progress() as progress:
            from edgeir.benchmarking.timing.files import timer
            from edgeir.exporting.sensitivity import sensitivity as run

            found = run(
                network,
                checkpoint=checkpoint,
                calibration=calibration,
                target=measure,
                size=None if size is None else parse_size(size),
                timer=timer(),
                trust_code=trust_code,
                progress=progress,
            )
        if out is not None:
            from edgeir.core.files import atomic_file
            from edgeir.reporting.sensitivity import render_sensitivity

            picture = render_sensitivity(found)
            with atomic_file(out) as temporary:
                temporary.write_bytes(picture)
        output.emit(found, _lines(found, out))


def _lines(found: Sensitivity, out: Path | None) -> list[str]:
    timed = found.timed_on is not None
    head = ("layer", "MACs", "weights", "alone", "gain in float", *(("adds",) if timed else ()))
    rows = [
        (
            layer.layer,
            f"{100 * layer.macs_share:.1f} %",
            f"{layer.weights:,}",
            f"{layer.alone_db:.1f} dB",
            f"{layer.gain_db:+.2f} dB",
            *(("-" if layer.float_ms is None else f"{layer.float_ms:+.3f} ms",) if timed else ()),
        )
        for layer in found.layers
    ]
    lines = [
        f"{found.network} in int8: {found.ratio_db:.1f} dB on {found.images} images",
        *table([head, *rows]),
    ]
    if timed:
        lines.append(f"timed on {found.timed_on}")
    return lines if out is None else [*lines, f"wrote {out}"]
