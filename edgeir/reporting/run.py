"""`report`: result files in, a folder with Markdown, plots and one HTML page out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from edgeir.benchmarking.result import Result, is_result, read_result
from edgeir.core.errors import ConfigError
from edgeir.core.files import atomic_file, refuse_existing
from edgeir.reporting.html import ShownImage, page
from edgeir.reporting.joined import joined_rows
from edgeir.reporting.joined_table import joined_markdown
from edgeir.reporting.pareto import render
from edgeir.reporting.table import escape_markdown
from edgeir.reporting.tables import TABLES

__all__ = ["distinct_names", "found_results", "markdown", "report"]


def report(
    results: Sequence[str | Path],
    out: str | Path,
    *,
    title: str = "edgeir report",
    images: Sequence[ShownImage] = (),
    overwrite: bool = False,
) -> list[Path]:
    """Write ``report.md``, ``report.html``, a copy of each result, and the plots ``<name>.svg`` and ``.png`` of those
    that have quality and times.

    The name is the result file's, with its folders where several files have one name. The first table of the page has
    the rows of all results, whatever device they are of, each with a link to its result.

    Args:
        results: JSON files of `edgeir.bench`, ``edgeir eval`` and `edgeir.fit`, and folders of them: of a folder all
            that are results.
        out: a folder.
        images: shown on the HTML page, inlined.
        overwrite: replace what an earlier report left.

    Returns:
        The files written, the HTML page first.

    Raises:
        ConfigError: no file was given, or one is no result of edgeir, or of another version's schema.
        ImageError: an image cannot be read.
        OutputError: one of the files exists already, or cannot be written.
    """
    unique: dict[Path, Path] = {}
    for path in found_results(results):
        unique.setdefault(path.resolve(), path)  # one file given twice is shown once
    paths = list(unique.values())
    if not paths:
        raise ConfigError(["no result file was given"], fix="edgeir bench writes one")
    out = Path(out)
    for name in ("report.html", "report.md"):
        refuse_existing(out / name, overwrite=overwrite)
    read = [read_result(path) for path in paths]
    names = distinct_names([Path(os.path.abspath(path)) for path in paths])
    headings = _headings(read, names)
    text = page(read, names=names, headings=headings, title=title, images=images)
    files: dict[str, bytes] = {"report.html": text.encode()}
    sections = []
    for path, result, name, heading in zip(paths, read, names, headings, strict=True):
        if (out / f"{name}.json").resolve() != path.resolve():  # the page links to it
            files[f"{name}.json"] = path.read_bytes()
        svg = render(result, kind="svg")
        if svg is not None:
            files[f"{name}.svg"] = svg
            files[f"{name}.png"] = render(result, kind="png") or b""
        sections.append(markdown(result, heading=heading, plot=None if svg is None else f"{name}.png"))
    joined = joined_rows(read, names) if len(read) > 1 else []
    if joined:
        sections.insert(0, f"## Every file on every device\n\n{joined_markdown(joined)}")
    files["report.md"] = (f"# {escape_markdown(title)}\n\n" + "\n".join(sections)).encode()
    for name in files:
        refuse_existing(out / name, overwrite=overwrite)
    for name, data in files.items():
        with atomic_file(out / name) as temporary:
            temporary.write_bytes(data)
    return [out / name for name in files]


def found_results(given: Sequence[str | Path]) -> list[Path]:
    """The files as they are, and in place of a folder the results in it, by name.

    Raises:
        ConfigError: a folder has none.
    """
    found = []
    for path in map(Path, given):
        if not path.is_dir():
            found.append(path)
            continue
        inside = [file for file in sorted(path.glob("*.json")) if is_result(file)]
        if not inside:
            raise ConfigError(
                ["there is no result in this folder"], where=path, fix="edgeir bench writes one"
            )
        found += inside
    return found


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """A name for each of several files, none twice: the stem, with as many folders before it as tell them apart.

    ``a/x.json`` and ``b/x.json`` become ``a-x`` and ``b-x``. Names that differ in case only count as the same, because
    some file systems do not tell them apart.
    """

    def name(path: Path, folders: int) -> str:
        parents = [part for part in path.parent.parts if part != path.anchor]
        return "-".join([*parents[len(parents) - min(folders, len(parents)) :], path.stem])

    depth = [0] * len(paths)
    deepest = max(len(path.parts) for path in paths)
    for _ in range(deepest):
        names = [name(path, count) for path, count in zip(paths, depth, strict=True)]
        times = Counter(entry.casefold() for entry in names)
        if max(times.values()) == 1:
            return names
        depth = [count + (times[entry.casefold()] > 1) for entry, count in zip(names, depth, strict=True)]
    return [f"{index + 1}-{path.stem}" for index, path in enumerate(paths)]


def _headings(results: Sequence[Result], names: Sequence[str]) -> list[str]:
    """The titles of results; where several have one title, each with its file's name."""
    times = Counter(result.title for result in results)
    return [
        result.title if times[result.title] == 1 else f"{result.title} ({name})"
        for result, name in zip(results, names, strict=True)
    ]


def markdown(result: Result, *, heading: str | None = None, plot: str | None = None) -> str:
    """One result as a Markdown section.

    Args:
        heading: by default the result's title.
        plot: file name of the plot.
    """
    lines = [f"## {escape_markdown(heading or result.title)}", ""]
    lines += [f"**{escape_markdown(note)}**\n" for note in result.notes]
    if plot is not None:
        lines += [f"![Quality against latency]({quote(plot)})", ""]
    for make in TABLES.values():
        if (table := make(result)) is not None:
            lines += [f"### {escape_markdown(table.title)}", "", table.markdown()]
    machine = result.environment.machine
    revision = (result.environment.revision or "an installed wheel")[:20]
    where = f"{machine.get('cpu', 'unknown processor')}, {machine.get('os', 'unknown system')}"
    lines += [escape_markdown(f"Measured {result.created} on {where}; revision {revision}."), ""]
    return "\n".join(lines)
