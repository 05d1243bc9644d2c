"""``edgeir export``: a shell over `edgeir.exporting.run.export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from edgeir.cli.options import Json, NewFolder, Overwrite, Quiet, Sigma, TrustCode, parse_size
from edgeir.cli.output import Output, table

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
        Literal["tflite", "onnx"],
        typer.Option("--target", help="LiteRT (Android, web) or ONNX.", show_default=False),
    ],
    precision: Annotated[
        Literal["fp32", "fp16", "int8"],
        typer.Option("--precision", help="Number format; int8 is calibrated on real patches."),
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
        Literal["picture", "constant"],
        typer.Option(
            "--statistics",
            help="Of a network that reads the whole picture: the picture's own, or constants of --calibration.",
        ),
    ] = "picture",
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
            help="Folder of photos for int8, constant statistics and the comparison; scikit-image's by default.",
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

    The written file is run on real patches and compared with the network; past the profile's gate the command fails.
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
                sigma=sigma,
                trust_code=trust_code,
                overwrite=overwrite,
                progress=progress,
            )
        parity = artifact.parity
        shift = " ".join(f"{value:+.2f}" for value in parity.colour_shift)
        rows = [
            ("  size", f"{artifact.bytes / 1024:.1f} KiB, {artifact.parameters} parameters"),
            ("  work", f"{artifact.macs / 1e9:.2f} GMAC for input {_shape(artifact.inputs[0].shape)}"),
            ("  largest error", f"{parity.max_abs_error:.2e} on [0, 1] over {parity.patches} patches"),
            ("  PSNR lost", f"{parity.psnr_drop_db:+.3f} dB"),
            ("  colour shift", f"{shift} of 255 (R G B)"),
        ]
        if (changed := artifact.constants) is not None:
            change = " ".join(f"{value:+.2f}" for value in changed.colour_shift)
            largest = f"{changed.max_abs_error:.2e} on [0, 1]"
            rows.append(("  constant statistics", f"change {largest} at most, colours by {change} of 255"))
        others = [f"  also: {out / name}" for name in artifact.variants.values()]
        output.emit(artifact, [f"wrote {out / artifact.name}", *table(rows), *others])


def _shape(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)
