"""Write the tables of the READMEs (root, benchmarks, recipes) from benchmarks/results, or check that they are in step.

    python benchmarks/tables.py [--check]

A table stands between two comments and is named by its result file and what to show of it:

    <!-- table: students-vs-baselines latency -->
    <!-- /table -->

What to show: ``quality``, ``latency``, ``cost``, ``scores``, ``ratios`` of a result of edgeir bench or eval; ``rows``
for any other JSON with a list of flat rows under ``rows`` (``rows:a,b,c`` for some columns of it), and for a study,
whose rows are computed from its runs; ``about`` for date, machine and revision of either. ``index`` alone lists every
result file, ``all`` shows all of them; ``evidence`` sets the differences that studies measured beside the published
ones (``published`` in ``studies/NAME.yaml``).
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from evidence import evidence

from edgeir.benchmarking.result import FORMAT, Result, read_result
from edgeir.benchmarking.spread import INTERVAL
from edgeir.benchmarking.study.result import read_study_result, rows_of
from edgeir.core.errors import ConfigError, EdgeIRError
from edgeir.core.files import atomic_file
from edgeir.reporting.table import Table, escape_markdown
from edgeir.reporting.tables import TABLES

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = (
    "README.md",
    "benchmarks/README.md",
    "recipes/README.md",
    "docs/benchmarks.md",
    "docs/browser.md",
    "docs/devices.md",
    "docs/precision.md",
    "docs/targets.md",
    "docs/targets/lint.md",
    "docs/targets/onnx.md",
    "docs/targets/own-networks.md",
)
BLOCK = re.compile(r"(<!-- table: (?P<name>[^>]+?) -->\n)(?P<body>.*?)(<!-- /table -->)", re.DOTALL)


def fill(text: str, results: Path, where: str) -> str:
    """`text` with every table between markers written anew.

    Raises:
        ConfigError: a marker is not closed, or names what is not there.
    """
    if text.count("<!-- table: ") != len(BLOCK.findall(text)) or text.count("<!-- /table -->") != len(
        BLOCK.findall(text)
    ):
        raise ConfigError(["a table marker is not closed by `<!-- /table -->`"], where=where)

    def written(match: re.Match[str]) -> str:
        return f"{match[1]}{render(match['name'], results, where)}{match[4]}"

    return BLOCK.sub(written, text)


def render(name: str, results: Path, where: str) -> str:
    """The Markdown of one table, ending in a newline."""
    if name == "index":
        return index(results, Path(where).parent)
    if name == "evidence":
        return evidence(results).markdown()
    if name == "all":
        return "\n".join(section(path) for path in sorted(results.glob("*.json")))
    stem, _, what = name.partition(" ")
    what, _, columns = what.partition(":")
    path = results / f"{stem}.json"
    if not path.is_file():
        raise ConfigError([f"the table `{name}` needs {path.name}, which is not there"], where=where)
    value = load(path)
    if what == "about":
        return about(value) + "\n"
    if what == "rows":
        return rows_table(
            value, [column.strip() for column in columns.split(",") if column.strip()], path
        ).markdown()
    if what not in TABLES or not isinstance(value, Result):
        known = ", ".join([*TABLES, "about"] if isinstance(value, Result) else ["rows", "about"])
        raise ConfigError([f"the table `{name}` asks for `{what}`; {path.name} has {known}"], where=where)
    table = TABLES[what](value)
    if table is None:
        raise ConfigError([f"{path.name} has nothing for the table `{name}`"], where=where)
    return table.markdown()


def load(path: Path) -> Result | dict[str, Any]:
    """A result of edgeir, or another JSON object as it is; of a study with its rows computed anew from its runs."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError([f"is not JSON: {error}"], where=path) from error
    if not isinstance(value, dict):
        raise ConfigError(["is not a JSON object"], where=path)
    if value.get("format") == FORMAT:
        return read_result(path)
    if value.get("kind") == "study":
        study = read_study_result(path)
        many = any(len(variant.runs) > 1 for variant in study.variants.values())
        return value | {"rows": rows_of(study.variants)} | ({"caption": INTERVAL} if many else {})
    return value


def about(value: Result | dict[str, Any]) -> str:
    """When, where and at which revision it was measured."""
    machine: Any
    if isinstance(value, Result):
        machine, revision, created = value.environment.machine, value.environment.revision, value.created
        threads = "" if value.timing is None else f", threads: {value.timing.threads}"
    else:
        around = value.get("environment")
        facts = value | around if isinstance(around, dict) else value
        machine, revision, created = (
            facts.get("machine"),
            facts.get("revision"),
            str(facts.get("created", "")),
        )
        threads = f", threads: {facts['threads']}" if "threads" in facts else ""
    cpu = machine.get("cpu") if isinstance(machine, dict) else machine
    shown = f"Measured {created[:10]} " if created else "Measured "
    return escape_markdown(
        f"{shown}on {cpu or 'unknown processor'}{threads}; revision {(revision or 'unknown')[:12]}."
    )


def rows_table(value: Result | dict[str, Any], columns: list[str], path: Path) -> Table:
    """The flat values of the objects under ``rows``."""
    rows = value.get("rows") if isinstance(value, dict) else [row.model_dump() for row in value.rows]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(["has no list of objects under `rows`"], where=path)
    flat = {key: None for row in rows for key, cell in row.items() if not isinstance(cell, dict | list)}
    missing = [column for column in columns if column not in flat]
    if missing:
        raise ConfigError([f"rows have no {', '.join(missing)}; there are {', '.join(flat)}"], where=path)
    columns = columns or list(flat)
    cells = [[row.get(column) for column in columns] for row in rows]
    return Table(
        title=path.stem,
        columns=tuple(column.replace("_", " ") for column in columns),
        numeric=tuple(
            all(isinstance(line[index], int | float) for line in cells) for index in range(len(columns))
        ),
        rows=tuple(tuple(shown(cell) for cell in line) for line in cells),
        caption=f"{value['caption']}." if isinstance(value, dict) and value.get("caption") else "",
    )


def shown(cell: Any) -> str:
    """A value as text, numbers to four significant figures."""
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:.4g}" if abs(cell) < 1000 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def index(results: Path, folder: Path) -> str:
    """Every result file, what it is and where it was measured; links from a document in `folder` of the checkout."""
    base = Path(os.path.relpath(Path("benchmarks") / "results", folder)).as_posix()
    lines = ["| file | what | measured |", "| --- | --- | --- |"]
    for path in sorted(results.glob("*.json")):
        value = load(path)
        title = escape_markdown(title_of(value, path))
        lines.append(f"| [{path.stem}]({base}/{path.name}) | {title} | {about(value)} |")
    return "\n".join(lines) + "\n"


def section(path: Path) -> str:
    """Everything that one result file has to show."""
    value = load(path)
    lines = [
        f"### {path.stem}",
        "",
        f"{escape_markdown(title_of(value, path))}. {about(value)}",
        "",
    ]
    if isinstance(value, Result):
        lines += [f"{escape_markdown(note)}\n" for note in value.notes]
        tables = [table for show in TABLES.values() if (table := show(value)) is not None]
        for table in tables:
            lines += [f"**{escape_markdown(table.title)}**", "", table.markdown()]
    elif isinstance(value.get("rows"), list):
        lines += [rows_table(value, [], path).markdown()]
    return "\n".join(lines)


def title_of(value: Result | dict[str, Any], path: Path) -> str:
    """What the file says it is."""
    if isinstance(value, Result):
        return value.title
    named = next(
        (value[key] for key in ("title", "about", "name") if isinstance(value.get(key), str)), path.stem
    )
    return str(named).strip().rstrip(".")


def main() -> int:
    """Write the tables, or check them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when a table is out of step"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    arguments = parser.parse_args()
    stale = wrong = 0
    for name in DOCUMENTS:
        path = arguments.root / name
        if not path.is_file():
            continue
        old = path.read_text(encoding="utf-8")
        try:
            new = fill(old, arguments.root / "benchmarks" / "results", name)
        except EdgeIRError as error:
            print(f"tables: error: {error}", file=sys.stderr)
            wrong += 1
            continue
        if new == old:
            continue
        stale += 1
        if arguments.check:
            print(
                *difflib.unified_diff(old.splitlines(), new.splitlines(), name, "generated", lineterm=""),
                sep="\n",
            )
        else:
            with atomic_file(path) as temporary:
                temporary.write_text(new, encoding="utf-8")
            print(f"wrote the tables of {name}")
    if stale and arguments.check:
        print("tables: run `python benchmarks/tables.py`", file=sys.stderr)
    if wrong:
        return 2
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
