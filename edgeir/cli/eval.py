"""``edgeir eval``: a shell over `edgeir.benchmarking.quality.evaluate.evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import Json, Overwrite, Quiet, RuntimeChoice, Sigma, Suite, Threads, TrustCode
from edgeir.cli.output import Output
from edgeir.cli.scores import score_lines

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Model: checkpoint folder, `edgeir models` name, artifact or bundle; `bicubic` or `input` to compare.",
            show_default=False,
        ),
    ],
    *,
    suite: Suite,
    runtime: Annotated[
        RuntimeChoice,
        typer.Option("--runtime", help="Runtime for the network; `auto` takes the one that fits the model."),
    ] = "auto",
    threads: Threads = 1,
    sigma: Sigma = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, help="Measure only the first N images of each set.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="JSON file for the result, beside the printed table.", show_default=False
        ),
    ] = None,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Measure the image quality (PSNR, SSIM) of a network or an exported file on a benchmark suite.

    An exported file is run as it is; the same code measures its output and a checkpoint's.

    Example: `edgeir eval out/int8 --suite sr-x4`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.benchmarking.quality.evaluate import evaluate as run
        from edgeir.core.files import refuse_existing, write_json

        if out is not None:
            refuse_existing(out, overwrite=overwrite)
        with output.progress() as progress:
            result = run(
                model,
                suite,
                runtime=runtime,
                threads=threads,
                sigma=sigma,
                limit=limit,
                trust_code=trust_code,
                progress=progress,
            )
        if out is not None:
            write_json(out, result)
        output.emit(result, score_lines(result))
