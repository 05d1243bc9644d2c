"""``edgeir lint``: a shell over `edgeir.exporting.lint.run.lint`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeir.cli.options import Json, OpenSize, Quiet, TrustCode, parse_size
from edgeir.cli.output import Output, table
from edgeir.core.errors import ConfigError

if TYPE_CHECKING:
    from edgeir.exporting.lint.report import DelegateReport, FileLint, Problem
    from edgeir.exporting.lint.rules import Delegate

__all__ = ["lint"]

_SHOWN = 4
"""Places of a problem that are shown; ``--operators`` shows all."""


def lint(
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="Model file of any origin, artifact or bundle (folder or zip).",
            show_default=False,
        ),
    ] = None,
    *,
    delegate: Annotated[
        list[str] | None,
        typer.Option(
            "--delegate",
            "-d",
            metavar="NAME",
            help="Delegate to ask; several times for several. Default: all that take the format.",
            show_default=False,
        ),
    ] = None,
    rules: Annotated[
        list[Path] | None,
        typer.Option(
            "--rules",
            metavar="YAML",
            help="File with rules of your own, asked alone unless `--delegate` names others too.",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            "--checkpoint",
            help="Network that the file was made of, to name layers and lines. Default: that of the zoo, if it is one.",
            show_default=False,
        ),
    ] = None,
    size: OpenSize = None,
    operators: Annotated[bool, typer.Option("--operators", help="Show every place of a problem.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 if an operator falls back, for scripts.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the delegates, and stop.")] = False,
    trust_code: TrustCode = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Show which operators of a file the accelerators of phones refuse, why, where they come from and what helps.

    Phones hand a network to a delegate (CPU library, GPU, neural engine); what that does not take falls back to slower
    code, without a word. The file is read, not run; the rules say which runtime they are from and how that is known.

    Example: `edgeir lint out/int8`
    """
    with Output(quiet=quiet, json=json) as output:
        from edgeir.exporting.lint.rules import read_delegate, shipped_delegates
        from edgeir.exporting.lint.run import lint as run

        if list_:
            known = [read_delegate(name) for name in (*shipped_delegates(), *(rules or ()))]
            output.emit(known, _known_lines(known))
            return
        if path is None:
            raise ConfigError(["FILE is missing"], where="command line", fix="edgeir lint --help")
        report = run(
            path,
            delegates=delegate or (),
            rules=rules or (),
            checkpoint=checkpoint,
            size=parse_size(size) if size else None,
            trust_code=trust_code,
        )
        lines: list[str] = []
        for file in report.files:
            lines += [*([""] if lines else []), *_file_lines(file, all_places=operators)]
        output.emit(report, lines)
        if strict and report.falls_back:
            raise typer.Exit(1)


def _known_lines(known: list[Delegate]) -> list[str]:
    rows = [
        (each.name, ", ".join(each.formats), each.title, f"{each.version}, {each.evidence} {each.checked}")
        for each in known
    ]
    return table([("delegate", "formats", "is", "rules of"), *rows])


def _file_lines(file: FileLint, *, all_places: bool) -> list[str]:
    work = "" if file.macs is None else f", {file.macs / 1e9:.3f} GMAC"
    lines = [f"{file.path}  {file.format}, {file.operators} operators{work}"]
    if not file.delegates:
        return [*lines, f"  no delegate that was asked takes {file.target} files"]
    head = ("  delegate", "takes", "of the work", "in pieces", "rules of")
    lines += table([head, *(_row(report) for report in file.delegates)])
    for report in file.delegates:
        lines += _delegate_lines(report, all_places=all_places)
    if file.network is not None and any(r.refused or r.warnings for r in file.delegates):
        lines += ["", f"  layers are named as in {file.network}"]
    return lines


def _row(report: DelegateReport) -> tuple[str, ...]:
    return (
        f"  {report.delegate}",
        f"{report.taken} of {report.operators}",
        "-" if report.macs is None else _percent(report.macs),
        str(report.pieces),
        f"{report.version}, {report.evidence} {report.checked}",
    )


def _delegate_lines(report: DelegateReport, *, all_places: bool) -> list[str]:
    if not (report.refused or report.warnings):
        return []
    lines = ["", f"  {report.delegate}: {report.title}"]
    lines += [f"    note: {note}" for note in report.notes]
    if report.refused:
        lines.append(f"    falls back to {report.fallback}:")
    for problem in report.refused:
        lines += _problem_lines(problem, report, all_places=all_places)
    if report.warnings:
        lines.append("    is taken, but:")
    for problem in report.warnings:
        lines += _problem_lines(problem, report, all_places=all_places)
    return lines


def _problem_lines(problem: Problem, report: DelegateReport, *, all_places: bool) -> list[str]:
    count = len(problem.places)
    kinds = ", ".join(f"{number} {kind}" for kind, number in problem.kinds.items())
    share = f", {_percent(problem.macs)} of the work" if problem.macs else ""
    lines = [f"      {kinds}{share}: {problem.reason}"]
    shown = problem.places if all_places else problem.places[:_SHOWN]
    told = [
        f"operator {place.operator}" + (f", {place.origin}" if place.origin else f", `{place.output}`")
        for place in shown
    ]
    if count > len(shown):
        told.append(f"{count - len(shown)} more (--operators)")
    lines += [f"        {text}" for text in told]
    lines.append(f"        remedy: {problem.remedy}")
    if problem.source != report.source:
        lines.append(f"        {problem.evidence} by {problem.source}")
    return lines


def _percent(share: float) -> str:
    return f"{share:.0%}" if share in (0, 1) else f"{share:.1%}"
