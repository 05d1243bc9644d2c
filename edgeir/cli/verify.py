"""``edgeir verify``: a shell over `edgeir.exporting.bundle.verify.verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeir.cli.options import Json, Quiet
from edgeir.cli.output import Output, table
from edgeir.core.errors import ArtifactError

if TYPE_CHECKING:
    from edgeir.exporting.bundle.verify import BundleReport, GoldenRun

__all__ = ["verify"]


def verify(
    bundle: Annotated[
        Path,
        typer.Argument(
            metavar="BUNDLE", help="Folder or zip that `edgeir export --bundle` wrote.", show_default=False
        ),
    ],
    *,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Check that a bundle is whole and unchanged, and that its models compute here what they did where they were made.

    The manifest, the checksum of every file, missing and extra files, and the golden input of every model through each
    runtime of its format that is installed here; torch is not needed. What cannot run here is listed with the reason.
    The exit code is 2 if anything is wrong.

    Example: `edgeir verify out/app.zip`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.exporting.bundle.verify import verify as run

        with output.progress() as progress:
            report = run(bundle, progress=progress)
        output.emit(report, _lines(report))
        if report.faults:
            first, more = report.faults[0], len(report.faults) - 1
            others = f"; {more} more fault{'s' * (more > 1)}" if more else ""
            raise ArtifactError(
                f"`{first.path}`: {first.what}{others}",
                where=bundle,
                fix="get the bundle again, or export it again",
            )


def _lines(report: BundleReport) -> list[str]:
    models = f"{report.models} model{'s' * (report.models > 1)}"
    lines = [
        f"{report.source}: {models}, {report.files} files, {report.bytes / 2**20:.1f} MiB, {report.format}"
    ]
    lines += table([(run.path, run.status, _told(run)) for run in report.golden])
    if report.faults:
        lines += table([(fault.kind, fault.path, fault.what) for fault in report.faults])
    else:
        lines.append("every file is as it was made")
    return lines


def _told(run: GoldenRun) -> str:
    if run.max_abs_error is None:
        return f"{run.reason}{f' ({run.command})' if run.command else ''}"
    return (
        f"{run.engine}: {run.max_abs_error:.2e} from the network (at most {run.limit:.2e}), "
        f"{run.drift:.2e} from the output at the export"
    )
