"""``edgeir prove``: a shell over `edgeir.exporting.prove.repeat.prove_again`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import Json, Quiet, TrustCode
from edgeir.cli.output import Output, table
from edgeir.devices.catalog import device_help

__all__ = ["prove"]


def prove(
    artifact: Annotated[
        Path,
        typer.Argument(
            metavar="ARTIFACT",
            help="Folder that `edgeir export` wrote, of an artifact or bundle.",
            show_default=False,
        ),
    ],
    *,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            "--checkpoint",
            help="Network to compare every file with, on photographs and synthetic extremes.",
            show_default=False,
        ),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            "--proof", help="Folder of photos to compare on, beside the built-in ones.", show_default=False
        ),
    ] = None,
    worst_images: Annotated[
        Path | None,
        typer.Option(
            "--worst-images",
            help="Folder for a picture of each file: the photograph on which it loses most, with --checkpoint.",
            show_default=False,
        ),
    ] = None,
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            metavar="DEVICE",
            help=f"Also run the golden input on a device; repeat for several{device_help()}.",
            show_default=False,
        ),
    ] = None,
    trust_code: TrustCode = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Repeat the proof of exported files on this machine.

    The golden input that is stored beside the files is run, and the output compared with the network's; that needs the
    runtime of the files only, not torch. With `--checkpoint`, the whole proof of the export is repeated. `--on` adds
    the device's run to the manifest of an artifact; a bundle stays as it was made.

    Example: `edgeir prove out/int8 --checkpoint sr-x4`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.exporting.prove.gate import figures, gate_lines
        from edgeir.exporting.prove.repeat import prove_again
        from edgeir.manifest.parity import NativeRun, Parity

        with output.progress() as progress:
            found = prove_again(
                artifact,
                checkpoint=checkpoint,
                proof=proof,
                worst_images=worst_images,
                on=on or (),
                trust_code=trust_code,
                progress=progress,
            )
        golden = found.golden
        lines = [
            f"golden input on {golden.engine}: {golden.max_abs_error:.2e} from the network, "
            f"{golden.drift:.2e} from the output at the export"
        ]
        if isinstance(found.native, NativeRun):
            lines.append(
                f"golden input on {found.native.engine}, {found.native.system}: "
                f"{found.native.max_abs_error:.2e} from the network; added to the manifest"
            )
        elif found.native is not None:
            lines.append(f"not run: {found.native.reason} ({found.native.command})")
        for device, runs in found.devices.items():
            lines += [
                f"{path} on {device} ({run.engine}): {run.max_abs_error:.2e} from the network, "
                f"{run.drift:.2e} from the output at the export"
                for path, run in runs.items()
            ]
        for path, parity in found.files.items():
            rows = (
                [*((f"  {what}", text) for what, text, _ in gate_lines(parity)), *figures(parity)]
                if isinstance(parity, Parity)
                else [("  not run", parity.reason)]
            )
            lines += [path, *table(rows)]
        output.emit(found, lines)
