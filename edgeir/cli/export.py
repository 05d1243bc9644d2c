"""``edgeir export``: a shell over `edgeir.exporting.run.export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from edgeir.cli.choose_precision import Choice, chosen_file, ladder_lines, refuse_unused_choice
from edgeir.cli.export_lines import file_lines
from edgeir.cli.options import (
    AUTO,
    ExportPrecision,
    Json,
    Overwrite,
    Quiet,
    ReceptiveRadius,
    Sigma,
    SizeMultiple,
    StatedScale,
    TargetChoice,
    TrustCode,
    Weights,
    parse_size,
)
from edgeir.cli.output import Output
from edgeir.cli.target_options import with_target_options
from edgeir.core.errors import ConfigError
from edgeir.devices.catalog import device_help
from edgeir.runtime.catalog import target_titles

if TYPE_CHECKING:
    from edgeir.core.progress import Progress
    from edgeir.manifest.model_file import Exported

__all__ = ["export"]

_CHOOSING = "Choosing the precision"


@with_target_options
def export(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="Network: a checkpoint or run folder, a name from `edgeir models`, a `.pth` or `.safetensors` file "
            "that spandrel recognises, a `.pt2` program, or `package.module:factory` with --weights.",
            show_default=False,
        ),
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="Settings that replace those of the export profile, like `calibration.patches=96`.",
            show_default=False,
        ),
    ] = None,
    *,
    target: Annotated[
        list[TargetChoice] | None,
        typer.Option(
            "--target",
            help="File format: " + target_titles() + ". Repeat for several in a bundle.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        list[ExportPrecision] | None,
        typer.Option(
            "--precision",
            help="Number format of weights and activations; int8 is calibrated on photographs; auto tries all and "
            "writes the fastest within --gate-db. Repeat for several in a bundle: every format is written in each. "
            "[default: fp32]",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        list[str] | None,
        typer.Option(
            "--size",
            metavar="HxW",
            help="Fixed height x width of the input; repeat for several. Default: any size, or the profile's sizes.",
            show_default=False,
        ),
    ] = None,
    io: Annotated[
        Literal["float", "uint8", "int8"],
        typer.Option(
            "--io",
            help="Type of input and output: float32 in [0, 1]; bytes; or bytes less 128, which some int8 "
            "formats compute with and need not convert.",
        ),
    ] = "float",
    statistics: Annotated[
        Literal["image", "constant"],
        typer.Option(
            "--statistics",
            help="For a network with global statistics: those of each image, or constants from --calibration.",
        ),
    ] = "image",
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile",
            help="Export profile: a name listed by `edgeir doctor`, or a YAML file. In a bundle it replaces --target "
            "and --precision, and is repeated for several files; `tflite-int8=uint8` has an --io of its own. "
            "Default: TARGET-PRECISION.",
            show_default=False,
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            help="Folder of photos that int8 ranges and constant statistics are taken from. "
            "Default: three photographs of scikit-image.",
            show_default=False,
        ),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            "--proof",
            help="Folder of photos to compare file and network on, beside the built-in ones; none of --calibration.",
            show_default=False,
        ),
    ] = None,
    worst_image: Annotated[
        bool,
        typer.Option(
            help="Write `proof/*.png`: the photograph on which a file loses most, beside what the network makes of it."
        ),
    ] = True,
    prove_on: Annotated[
        list[str] | None,
        typer.Option(
            "--prove-on",
            metavar="DEVICE",
            help=f"Also run the golden input on a device, and refuse what is wrong there; repeat for several"
            f"{device_help()}.",
            show_default=False,
        ),
    ] = None,
    sigma: Sigma = None,
    gate_db: Annotated[
        float | None,
        typer.Option(
            "--gate-db",
            help="PSNR that a file may lose, for --precision auto: mean over photographs that calibration did not see. "
            "[default: 0.1]",
            rich_help_panel=_CHOOSING,
            show_default=False,
        ),
    ] = None,
    target_latency: Annotated[
        float | None,
        typer.Option(
            "--target-latency",
            metavar="MS",
            help="Milliseconds that one run may take here, for --precision auto; a slower file is refused.",
            rich_help_panel=_CHOOSING,
            show_default=False,
        ),
    ] = None,
    trained: Annotated[
        str | None,
        typer.Option(
            "--trained",
            metavar="CHECKPOINT",
            help="Checkpoint of quantisation-aware training (a recipe's `quant`) that --precision auto tries as well. "
            "Default: that of the zoo, where it has one of the network.",
            rich_help_panel=_CHOOSING,
            show_default=False,
        ),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="DEVICE",
            help="Device that --precision auto times on; on an emulated one it counts instructions: here (this machine)"
            f"{device_help()}. [default: here]",
            rich_help_panel=_CHOOSING,
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int,
        typer.Option(
            "--threads",
            "-t",
            min=1,
            help="CPU threads that --precision auto times with.",
            rich_help_panel=_CHOOSING,
        ),
    ] = 1,
    bundle: Annotated[
        bool,
        typer.Option(
            "--bundle",
            help="Write a bundle for app developers: one or more files, README, licence, checksums.",
        ),
    ] = False,
    licence: Annotated[
        Path | None,
        typer.Option(
            "--licence",
            help="Text file with the network's licence, for a bundle. Default: what the network's card states.",
            show_default=False,
        ),
    ] = None,
    weights: Weights = None,
    scale: StatedScale = None,
    size_multiple: SizeMultiple = None,
    receptive_radius: ReceptiveRadius = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Folder to write; a bundle may be a `.zip` instead.", show_default=False
        ),
    ],
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Convert a network to a file for phones, and prove that the file computes what the network computes.

    The file is run on photographs that calibration did not use and on synthetic extremes, and compared with the
    network. If the difference exceeds the limits of the export profile, the command fails and writes nothing. The
    folder holds the model, `artifact.json` (all that a program needs to run it), `golden/` (an input and its output,
    to test an app with) and `proof/` (the photograph on which the file loses most).

    With `--bundle` there may be several files, each proved, each with its own golden pair, in one folder or zip with
    a README that has the code for an app. `edgeir verify` checks it anywhere.

    Example: `edgeir export sr-x4 --target tflite --precision int8 --size 180x320 --out out/int8`

    With `--precision auto` every precision is made, proved and timed here; the fastest that loses at most `--gate-db`
    is written, and the table of everything tried is printed and kept in its manifest.

    Example of a bundle: `edgeir export sr-x4 --bundle --target tflite --target onnx --size 180x320 --out out/app.zip`
    """
    with Output(quiet=quiet, json=json) as output:
        shared: dict[str, Any] = {
            "sizes": [parse_size(text) for text in size or ()],
            "io": io,
            "statistics": statistics,
            "overrides": changes or (),
            "out": out,
            "calibration": calibration,
            "proof": proof,
            "worst_image": worst_image,
            "prove_on": prove_on or (),
            "sigma": sigma,
            "weights": weights,
            "scale": scale,
            "size_multiple": size_multiple,
            "receptive_radius": receptive_radius,
            "trust_code": trust_code,
            "overwrite": overwrite,
        }
        files: dict[str, Any] = {
            "targets": target or (),
            "precisions": precision or (),
            "profiles": profile or (),
        }
        made: Exported
        choice = Choice(gate_db, target_latency, trained, threads, None if on == "here" else on)
        refuse_unused_choice(choice, files["precisions"], bundle=bundle)
        with output.progress() as progress:
            if AUTO in files["precisions"]:
                made = chosen_file(checkpoint, files, shared, choice, output, progress)
            elif bundle:
                from edgeir.exporting.bundle.export import export_bundle

                made = export_bundle(checkpoint, **files, licence=licence, **shared, progress=progress)
            else:
                _refuse_what_only_a_bundle_has(out, licence)
                made = _one_file(checkpoint, files, shared, progress)
        lines = [line for file in made.files for line in file_lines(out, file)]
        if made.ladder is not None:
            lines += ladder_lines(made.ladder)
        if (changed := made.constants) is not None:
            change = " ".join(f"{value:+.2f}" for value in changed.colour_shift)
            largest = f"{changed.max_abs_error:.2e} on [0, 1]"
            lines.append(f"constant statistics change {largest} at most, colours by {change} of 255")
        output.emit(made, lines)


def _refuse_what_only_a_bundle_has(out: Path, licence: Path | None) -> None:
    for given, what in ((out.suffix.lower() == ".zip", "a zip"), (licence is not None, "--licence")):
        if given:
            raise ConfigError([f"{what} is for a bundle"], fix="add --bundle")


def _one_file(checkpoint: str, files: dict[str, Any], shared: dict[str, Any], progress: Progress) -> Exported:
    """An export to one format in one precision."""
    for option, several in files.items():
        if len(several) > 1:
            raise ConfigError([f"several {option} make a bundle"], fix="add --bundle")
    if not files["targets"]:
        raise ConfigError(["no format is named"], fix="pass --target, see edgeir export --help")
    from edgeir.exporting.run import export as run

    return run(
        checkpoint,
        target=files["targets"][0],
        precision=next(iter(files["precisions"]), "fp32"),
        profile=next(iter(files["profiles"]), None),
        **shared,
        progress=progress,
    )
