"""``edgeir export``: a shell over `edgeir.exporting.run.export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from edgeir.cli.options import (
    Json,
    Overwrite,
    PrecisionChoice,
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
from edgeir.cli.output import Output, table
from edgeir.core.errors import ConfigError
from edgeir.runtime.catalog import target_titles

if TYPE_CHECKING:
    from edgeir.core.progress import Progress
    from edgeir.manifest.artifact import ModelFile, RuntimeNeeds
    from edgeir.manifest.model_file import Exported

__all__ = ["export"]


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
        list[PrecisionChoice] | None,
        typer.Option(
            "--precision",
            help="Number format of weights and activations; int8 is calibrated on photographs. Repeat for several in a "
            "bundle: every format is written in each. [default: fp32]",
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
    sigma: Sigma = None,
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
    folder holds the model, `artifact.json` (all that a program needs to run it) and `golden/` (an input and its
    output, to test an app with).

    With `--bundle` there may be several files, each proved, each with its own golden pair, in one folder or zip with
    a README that has the code for an app. `edgeir verify` checks it anywhere.

    Example: `edgeir export sr-x4 --target tflite --precision int8 --size 180x320 --out out/int8`

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
        with output.progress() as progress:
            if bundle:
                from edgeir.exporting.bundle.export import export_bundle

                made = export_bundle(checkpoint, **files, licence=licence, **shared, progress=progress)
            else:
                _refuse_what_only_a_bundle_has(out, licence)
                made = _one_file(checkpoint, files, shared, progress)
        lines = [line for file in made.files for line in _file_lines(out, file)]
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


def _file_lines(folder: Path, file: ModelFile) -> list[str]:
    from edgeir.exporting.prove.gate import gate_lines
    from edgeir.manifest.parity import Parity

    rows = [
        ("  size", f"{file.bytes / 1024:.1f} KiB"),
        ("  work", f"{file.macs / 1e9:.2f} GMAC for input {_shape(file.inputs[0].shape)}"),
    ]
    if file.sizes:
        rows.append(("  sizes", ", ".join(f"{height}x{width}" for height, width in file.sizes)))
    if (needs := file.needs) is not None:
        rows.append(
            ("  needs", f"{needs.stamp}: {needs.runtime} {needs.stated or '?'} or newer{_run_on(needs)}")
        )
    if isinstance(file.parity, Parity):
        compared = f"{file.parity.images} photographs, {file.parity.extremes} extremes, {file.parity.engine}"
        rows += [
            ("  compared on", compared),
            *((f"  {what}", text) for what, text, _ in gate_lines(file.parity)),
        ]
    else:
        rows.append(("  not proved", f"{file.parity.reason} ({file.parity.command})"))
    return [f"wrote {folder / file.path}", *table(rows)]


def _run_on(needs: RuntimeNeeds) -> str:
    return f", run on {needs.measured} and newer" if needs.measured else ""


def _shape(shape: tuple[int | None, ...]) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)
