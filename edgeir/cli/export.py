"""``edgeir export``: a shell over `edgeir.exporting.run.export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edgeir.cli.options import (
    Json,
    NewFolder,
    Overwrite,
    PrecisionChoice,
    Quiet,
    Sigma,
    TargetChoice,
    TrustCode,
    parse_size,
)
from edgeir.cli.output import Output, table
from edgeir.runtime.catalog import target_titles

if TYPE_CHECKING:
    from edgeir.manifest.artifact import ModelFile

__all__ = ["export"]


def export(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT",
            help="Checkpoint folder of a run, or a name from `edgeir models`.",
            show_default=False,
        ),
    ],
    *,
    target: Annotated[
        TargetChoice,
        typer.Option("--target", help="Format: " + target_titles() + ".", show_default=False),
    ],
    precision: Annotated[
        PrecisionChoice,
        typer.Option("--precision", help="Number format; int8 is calibrated on photographs."),
    ] = "fp32",
    size: Annotated[
        list[str] | None,
        typer.Option(
            "--size",
            metavar="HxW",
            help="Height x width of the input; repeat for several.",
            show_default=False,
        ),
    ] = None,
    io: Annotated[
        Literal["float", "uint8"], typer.Option("--io", help="Type of the file's input and output.")
    ] = "float",
    statistics: Annotated[
        Literal["image", "constant"],
        typer.Option(
            "--statistics",
            help="Global statistics, for a network that has them: each image's own, or those of --calibration.",
        ),
    ] = "image",
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile", help="Export profile or YAML file; TARGET-PRECISION by default.", show_default=False
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            help="Folder of photos that set int8 ranges and constant statistics; three of scikit-image's by default.",
            show_default=False,
        ),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            "--proof",
            help="Folder of further photos to compare file and network on; never those of --calibration.",
            show_default=False,
        ),
    ] = None,
    sigma: Sigma = None,
    out: NewFolder,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write a checkpoint as a file for a phone, and prove that the file does what the network does.

    The written file is run on photographs that calibration has not seen and on synthetic extremes, and compared with
    the network; past the profile's gate the command fails and nothing is written.
    The folder holds the model, `artifact.json` (every fact a program needs) and `golden/` (an input and its output).

    Example: `edgeir export sr-x4 --target tflite --precision int8 --size 180x320 --out out/int8`
    """
    with Output(quiet=quiet, json=json) as output:
        sizes = [parse_size(text) for text in size or ()]
        from edgeir.exporting.run import export as run

        with output.progress() as progress:
            artifact = run(
                checkpoint,
                target=target,
                precision=precision,
                sizes=sizes,
                io=io,
                statistics=statistics,
                profile=profile,
                out=out,
                calibration=calibration,
                proof=proof,
                sigma=sigma,
                trust_code=trust_code,
                overwrite=overwrite,
                progress=progress,
            )
        lines = [line for file in artifact.files for line in _file_lines(out, file)]
        if (changed := artifact.constants) is not None:
            change = " ".join(f"{value:+.2f}" for value in changed.colour_shift)
            largest = f"{changed.max_abs_error:.2e} on [0, 1]"
            lines.append(f"constant statistics change {largest} at most, colours by {change} of 255")
        output.emit(artifact, lines)


def _file_lines(folder: Path, file: ModelFile) -> list[str]:
    from edgeir.exporting.prove.gate import gate_lines
    from edgeir.manifest.parity import Parity

    rows = [
        ("  size", f"{file.bytes / 1024:.1f} KiB"),
        ("  work", f"{file.macs / 1e9:.2f} GMAC for input {_shape(file.inputs[0].shape)}"),
    ]
    if isinstance(file.parity, Parity):
        compared = f"{file.parity.images} photographs, {file.parity.extremes} extremes, {file.parity.engine}"
        rows += [
            ("  compared on", compared),
            *((f"  {what}", text) for what, text, _ in gate_lines(file.parity)),
        ]
    else:
        rows.append(("  not proved", f"{file.parity.reason} ({file.parity.command})"))
    return [f"wrote {folder / file.path}", *table(rows)]


def _shape(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)
