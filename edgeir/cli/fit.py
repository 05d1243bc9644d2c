"""``edgeir fit``: a shell over `edgeir.fitting.run.fit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeir.cli.options import (
    Json,
    Overwrite,
    PrecisionChoice,
    Quiet,
    TargetChoice,
    Threads,
    TrustCode,
    parse_size,
)
from edgeir.cli.output import Output, table
from edgeir.cli.streams import say
from edgeir.cli.train import Changes, Recipe, RunFolder, show_run
from edgeir.devices.catalog import device_help

if TYPE_CHECKING:
    from edgeir.manifest.fitted import Fitted, Member

__all__ = ["fit", "fitted_lines"]


def fit(
    recipe: Recipe,
    changes: Changes = None,
    *,
    budget: Annotated[
        str,
        typer.Option(
            "--budget",
            metavar="COST",
            help="What one run may cost: 8ms, or 0.6G instructions on an emulated phone.",
            show_default=False,
        ),
    ],
    on: Annotated[
        str,
        typer.Option(
            "--on", metavar="DEVICE", help=f"Where to measure: here or cpu (this machine){device_help()}."
        ),
    ] = "here",
    size: Annotated[
        str,
        typer.Option(
            "--size", metavar="HxW", help="Height and width of the network's input that the budget is for."
        ),
    ] = "180x320",
    target: Annotated[
        TargetChoice | None,
        typer.Option(
            "--target",
            help="Format of the file. Default: the first that the device runs.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        list[PrecisionChoice] | None,
        typer.Option(
            "--precision",
            help="Precision of the file; repeat for several to choose from. [default: int8]",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table",
            metavar="FILE",
            help="JSON file of measured sizes: read where it has them, and added to.",
            show_default=False,
        ),
    ] = None,
    threads: Threads = 1,
    plan_only: Annotated[
        bool, typer.Option("--plan-only", "--dry-run", help="Choose and print the table; do not train.")
    ] = False,
    out: RunFolder = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run; its size stays as it was chosen.")
    ] = False,
    trust_code: TrustCode = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Choose depth, width and precision of a recipe's network for a device, then train it.

    Sizes of the network are exported with random weights and measured on the device, a few of each width; the others
    are predicted. The largest within the budget is trained as `edgeir distill` or `edgeir train` would, and the card of
    its checkpoint keeps the choice and what was rejected. Whether int8 is good enough shows at the export.

    Example: `edgeir fit super-resolution/demo --budget 8ms --plan-only`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.fitting.run import NothingFits
        from edgeir.fitting.run import fit as run

        try:
            with output.progress() as progress:
                found = run(
                    recipe,
                    budget=budget,
                    on=on,
                    size=parse_size(size),
                    target=None if target is None else str(target),
                    precisions=[str(choice) for choice in precision or ("int8",)],
                    overrides=changes or (),
                    table=table,
                    threads=threads,
                    plan_only=plan_only,
                    out=out,
                    resume=resume,
                    overwrite=overwrite,
                    trust_code=trust_code,
                    progress=progress,
                )
        except NothingFits as error:
            if output.json:
                output.emit(error.fitted, ())
            for line in () if output.json else fitted_lines(error.fitted):
                say(line)
            raise
        lines = [*fitted_lines(found.fitted), f"chosen: {' '.join(found.settings)}"]
        if found.trained is None:
            output.emit(found, lines)
        else:
            options = _export_options(found.fitted)
            show_run(output, found.trained, "fit", result=found, before=lines, export=options)


def _export_options(fitted: Fitted) -> str:
    """The file that was chosen, proved where it was measured."""
    from edgeir.fitting.budget import HERE

    assert fitted.chosen is not None
    height, width = fitted.size
    words = f"--target {fitted.target} --precision {fitted.chosen.precision} --size {height}x{width}"
    return words if fitted.device in HERE else f"{words} --prove-on {fitted.device}"


def fitted_lines(fitted: Fitted) -> list[str]:
    """The table of what was measured and predicted, largest capacity first."""
    counted = fitted.unit == "instructions"
    height, width = fitted.size
    fields = list(fitted.members[0].network)
    head = (
        *fields,
        "precision",
        "M instructions" if counted else "ms",
        "",
        "layers, M MAC",
        "all, M MAC",
        "",
    )
    limit = f"{fitted.budget / 1e6:g} M instructions" if counted else f"{fitted.budget:g} ms"
    return [
        f"at most {limit} for {height}x{width}, {fitted.target}; on {fitted.measured_on}",
        *table([head, *(_row(member, counted=counted) for member in fitted.members)]),
        f"rule: {fitted.rule}",
        fitted.remark,
    ]


def _row(member: Member, *, counted: bool) -> tuple[str, ...]:
    if member.cost is None:
        cost, how = "-", "-"
    else:
        cost = f"{member.cost / 1e6:.1f}" if counted else f"{member.cost:.2f}"
        how = "measured" if member.measured else "predicted"
    values = ("-" if value is None else str(value) for value in member.network.values())
    verdict = "chosen" if member.chosen else member.reason
    return (
        *values, member.precision, cost, how, f"{member.capacity_macs / 1e6:.0f}", f"{member.macs / 1e6:.0f}", verdict
    )  # fmt: skip
