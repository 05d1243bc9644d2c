"""The joined table on the page: filters, sorting and links; without its script it is a plain table."""

from __future__ import annotations

import html
from collections.abc import Sequence
from urllib.parse import quote

from edgeir.reporting.joined import Joined
from edgeir.reporting.joined_script import JOINED_SCRIPT
from edgeir.reporting.joined_table import Cell, Column, columns_of

__all__ = ["joined_section"]

FILTERS = (("device", "device"), ("format", "format"), ("precision", "precision"), ("model", "model"))
LONG = ("device", "residency", "runtime")


def joined_section(rows: Sequence[Joined]) -> str:
    """The section with its script, everything escaped; empty where there is no row."""
    if not rows:
        return ""
    columns = columns_of(rows)
    head = "".join(_head(column) for column in columns)
    body = "\n".join(_row(row, columns) for row in rows)
    return (
        '<section class="joined" aria-labelledby="joined-title">\n'
        '<h2 id="joined-title">Every file on every device</h2>\n'
        f"<p>{_about(rows)}</p>\n"
        f'{_filters(rows, columns)}\n<output aria-live="polite">{len(rows)} rows</output>\n'
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="joined-title">\n<table>\n'
        f'<thead><tr>{head}<th scope="col" data-fixed><span>result</span></th></tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>\n"
        f"<script>{JOINED_SCRIPT}</script>\n</section>"
    )


def _about(rows: Sequence[Joined]) -> str:
    about = (
        '<span class="star" aria-hidden="true">★</span>On the front of its device: nothing measured there on the same '
        "images is both cheaper and better."
    )
    if any(row.emulated for row in rows):
        about += " An emulated device has no clock: its instructions are counted, and they are not time."
    return about


def _filters(rows: Sequence[Joined], columns: Sequence[Column]) -> str:
    cells = {column.key: column.cell for column in columns}
    parts = []
    for key, title in FILTERS:
        values = sorted({cells[key](row).text for row in rows})
        options = "".join(
            f'<option value="{html.escape(value, quote=True)}">{html.escape(value)}</option>'
            for value in values
        )
        every = f'<option value="">all ({len(values)})</option>'
        parts.append(f'<label>{title}<select name="{key}">{every}{options}</select></label>')
    return (
        f'<form class="filters" hidden>{"".join(parts)}'
        '<label>text<input type="search" name="find" autocomplete="off"></label>'
        '<label class="check"><input type="checkbox" name="front">front only</label>'
        '<button type="reset">show all</button></form>'
    )


def _head(column: Column) -> str:
    title = f' title="{html.escape(column.about, quote=True)}"' if column.about else ""
    best = f' data-best="{column.best}"' if column.best else ""
    numeric = ' class="n"' if column.numeric else ""
    return f'<th scope="col"{numeric}{best}><span{title}>{html.escape(column.title)}</span></th>'


def _row(row: Joined, columns: Sequence[Column]) -> str:
    cells = [(column, column.cell(row)) for column in columns]
    shown = {column.key: cell.text for column, cell in cells}
    data = "".join(f' data-{key}="{html.escape(shown[key], quote=True)}"' for key, _ in FILTERS)
    names = [
        name for name, wanted in (("front", row.on_front), ("faint", row.row.role == "baseline")) if wanted
    ]
    kind = f' class="{" ".join(names)}"' if names else ""
    (_, first), *rest = cells
    star = (
        '<span class="star" role="img" aria-label="on the front">★</span>'
        if row.on_front
        else '<span class="star none" aria-hidden="true">★</span>'
    )
    link = f'<a href="{quote(row.source)}.json" aria-label="{html.escape(_named(row), quote=True)}">JSON</a>'
    return (
        f'<tr{kind}{data}><th scope="row">{star}{html.escape(first.text)}</th>'
        + "".join(_cell(column, cell) for column, cell in rest)
        + f"<td>{link}</td></tr>"
    )


def _named(row: Joined) -> str:
    return f"result file of {row.row.name}: {row.source}.json"


def _cell(column: Column, cell: Cell) -> str:
    if column.numeric:
        value = "" if cell.value is None else f' data-v="{cell.value!r}"'
        return f'<td class="n"{value}>{html.escape(cell.text)}</td>'
    kind = ' class="long"' if column.key in LONG else ""
    return f"<td{kind}>{html.escape(cell.text)}</td>"
