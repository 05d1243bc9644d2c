"""``edgeir bench``: a shell over `edgeir.benchmarking.run.bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import (
    Json,
    Overwrite,
    PrecisionChoice,
    Quiet,
    Suite,
    Threads,
    TimedRuntime,
    TrustCode,
)
from edgeir.cli.output import Output
from edgeir.cli.scores import score_lines
from edgeir.devices.catalog import device_help

__all__ = ["bench"]


def bench(
    artifacts: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Models to compare: artifacts, bundles, checkpoint folders, or names from `edgeir models`.",
            show_default=False,
        ),
    ],
    *,
    suite: Suite,
    runtime: Annotated[
        list[TimedRuntime] | None,
        typer.Option(
            "--runtime",
            help="Runtime for checkpoints, which are exported for it; repeat for several. [default: torch]",
            show_default=False,
        ),
    ] = None,
    threads: Threads = 1,
    precision: Annotated[
        list[PrecisionChoice] | None,
        typer.Option(
            "--precision",
            help="Precision that checkpoints are exported with; repeat for several. [default: fp32]",
            show_default=False,
        ),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats",
            min=1,
            help="Timed runs of each model. Default: as many as --budget allows.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        float, typer.Option("--budget", min=0.1, help="Seconds for the timed runs of all models together.")
    ] = 30.0,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            help="Measure quality on only the first N images of each set.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device",
            metavar="NAME",
            help=f"Where to run; repeat for several: here (this machine){device_help()}. [default: here]",
            show_default=False,
        ),
    ] = None,
    allow_fallback: Annotated[
        bool,
        typer.Option(
            "--allow-fallback",
            help="Accept that a device runs operators elsewhere than on the accelerator asked for.",
        ),
    ] = False,
    device_set: Annotated[
        list[str] | None,
        typer.Option(
            "--device-set",
            metavar="KEY=VALUE",
            help="A setting of the device, such as cores=4-7 for a phone (docs/devices.md); repeat for several.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="JSON file for the result, or a folder for it.", show_default=False),
    ],
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Measure time, image quality, memory and size of models, on this machine or on devices.

    The models are timed in turns, so that a slow moment of the machine affects all of them. An artifact runs on the
    runtime it was exported for; a checkpoint is exported for each --runtime and --precision. A device runs exported
    files, and the quality is that of the images it computed. `edgeir report` makes tables, a plot and a page from the
    result.

    Example: `edgeir bench out/int8 sr-x4-xs --suite pirm-a --out out/bench.json`
    """
    with Output(quiet=quiet, json=json) as output:
        import json as json_format

        from edgeir.benchmarking.run import bench as run

        with output.progress() as progress:
            path = run(
                artifacts,
                suite=suite,
                runtimes=[str(choice) for choice in runtime or ()],
                threads=threads,
                precisions=[str(choice) for choice in precision or ("fp32",)],
                repeats=repeats,
                budget_s=budget,
                limit=limit,
                devices=device or (),
                allow_fallback=allow_fallback,
                device_settings=device_set or (),
                out=out,
                overwrite=overwrite,
                trust_code=trust_code,
                progress=progress,
            )
        result = json_format.loads(path.read_text(encoding="utf-8"))
        output.emit({"path": path, "result": result}, [*score_lines(result), f"wrote {path}"])
