"""`report`: result files in, a folder with Markdown, plots and one HTML page out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeir.benchmarking.result import Result, read_result
from edgeir.core.errors import ConfigError
from edgeir.core.files import atomic_file, refuse_existing
from edgeir.reporting.html import Picture, page
from edgeir.reporting.pareto import render
from edgeir.reporting.table import TABLES, escape_markdown

__all__ = ["markdown", "report"]


def report(
    results: Sequence[str | Path],
    out: str | Path,
    *,
    title: str = "edgeir report",
    pictures: Sequence[Picture] = (),
    overwrite: bool = False,
) -> list[Path]:
    """Write ``report.md``, ``report.html`` and, per result that has quality and times, ``<result>.svg`` and ``.png``.

    Args:
        results: JSON files of `edgeir.bench` and of ``edgeir eval``.
        out: a folder.
        pictures: shown on the HTML page, inlined.
        overwrite: replace what an earlier report left.

    Returns:
        The files written, the HTML page first.

    Raises:
        ConfigError: no file was given, or one is no result of edgeir.
        ImageError: a picture cannot be read.
        OutputError: the report exists already, or cannot be written.
    """
    if not results:
        raise ConfigError(["no result file was given"], fix="edgeir bench writes one")
    out = Path(out)
    read = [(Path(path).stem, read_result(path)) for path in results]
    for name in ("report.html", "report.md"):
        refuse_existing(out / name, overwrite=overwrite)
    text = page([result for _, result in read], title=title, pictures=pictures)
    files: dict[str, bytes] = {"report.html": text.encode()}
    plots: list[str | None] = []
    for stem, result in read:
        svg = render(result, kind="svg")
        if svg is not None:
            files[f"{stem}.svg"] = svg
            files[f"{stem}.png"] = render(result, kind="png") or b""
        plots.append(None if svg is None else f"{stem}.png")
    sections = [markdown(result, plot=plot) for (_, result), plot in zip(read, plots, strict=True)]
    files["report.md"] = (f"# {escape_markdown(title)}\n\n" + "\n".join(sections)).encode()
    for name, data in files.items():
        with atomic_file(out / name) as temporary:
            temporary.write_bytes(data)
    return [out / name for name in files]


def markdown(result: Result, *, plot: str | None = None) -> str:
    """One result as a Markdown section; `plot` is the file name of its picture."""
    lines = [f"## {escape_markdown(result.title)}", ""]
    lines += [f"**{escape_markdown(note)}**\n" for note in result.notes]
    if plot is not None:
        lines += [f"![Quality against latency]({plot.replace(' ', '%20')})", ""]
    for make in TABLES.values():
        if (table := make(result)) is not None:
            lines += [f"### {escape_markdown(table.title)}", "", table.markdown()]
    machine = result.environment.machine
    revision = (result.environment.revision or "an installed wheel")[:20]
    where = f"{machine.get('cpu', 'unknown processor')}, {machine.get('os', 'unknown system')}"
    lines += [escape_markdown(f"Measured {result.created} on {where}; revision {revision}."), ""]
    return "\n".join(lines)
