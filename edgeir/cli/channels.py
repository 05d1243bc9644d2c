"""``edgeir channels``: a shell over `edgeir.benchmarking.quality.channels.channels` and its figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeir.cli.options import Json, NewFolder, Overwrite, Quiet, TrustCode
from edgeir.cli.output import Output

__all__ = ["channels"]


def channels(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Network: a checkpoint or run folder, or a name from `edgeir models`.",
            show_default=False,
        ),
    ],
    *,
    out: NewFolder,
    before: Annotated[
        str | None,
        typer.Option(
            "--before",
            help="First feature (a tap of the network). Default: the input of FDR-Net's first module.",
            show_default=False,
        ),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--after", help="Second feature. Default: the output of that module.", show_default=False
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images", help="Folder of clean images. Default: the embedded photographs.", show_default=False
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Number of images, the first ones.")] = 8,
    size: Annotated[
        int, typer.Option("--size", min=16, help="Side of the crop from the middle of each image, in pixels.")
    ] = 128,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Plot how the channels of a network correlate, and which of them respond to blur, noise and JPEG.

    The experiment of FDR-Net's Fig. 8, for any network whose output has the size of its input.

    Example: `edgeir channels runs/fdrnet-small --out out/channels`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.benchmarking.quality.channels import channels as run
        from edgeir.core.files import refuse_existing
        from edgeir.data.sources.embedded import Embedded
        from edgeir.data.sources.folder import Folder
        from edgeir.reporting.channels import write_channels

        refuse_existing(out / "channels.png", overwrite=overwrite)
        sources = (Embedded() if images is None else Folder(path=str(images)),)
        with output.progress() as progress:
            study = run(
                model,
                before=before,
                after=after,
                sources=sources,
                limit=limit,
                size=size,
                trust_code=trust_code,
                progress=progress,
            )
        paths = write_channels(study, out, overwrite=overwrite)
        output.emit(
            study,
            [
                f"correlation of the channels: {study.mean_correlation_before:.3f} before ({study.before}), "
                f"{study.mean_correlation_after:.3f} after ({study.after})",
                f"responses: cosine {study.cosine_same_kind:.3f} within a kind of degradation, "
                f"{study.cosine_other_kind:.3f} between kinds",
                *(f"wrote {path}" for path in paths),
            ],
        )
