"""The joined rows as a table: columns that have something, each cell with what it sorts by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeir.reporting.joined import Joined
from edgeir.reporting.table import ABSENT, Table, milliseconds, number

__all__ = ["Cell", "Column", "columns_of", "joined_markdown"]


@dataclass(frozen=True)
class Cell:
    """What is shown, and the number that it sorts by; None: it sorts by its text, or last in a column of numbers."""

    text: str
    value: float | None = None


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        key: for the page's script.
        title: the header; `about` explains it.
        best: which end is better, `low` or `high`; None: neither.
    """

    key: str
    title: str
    cell: Callable[[Joined], Cell]
    about: str = ""
    numeric: bool = True
    best: str | None = None


def columns_of(rows: Sequence[Joined]) -> list[Column]:
    """The columns that at least one row fills; those that name a row always."""
    return [
        column
        for column in COLUMNS
        if not column.numeric or any(column.cell(row).value is not None for row in rows)
    ]


def joined_markdown(rows: Sequence[Joined]) -> str:
    """As a Markdown table, with a star for rows on the front of their device."""
    columns = columns_of(rows)
    table = Table(
        title="All devices",
        columns=("", *(column.title for column in columns), "result"),
        numeric=(False, *(column.numeric for column in columns), False),
        rows=tuple(
            (
                "★" if row.on_front else "",
                *(column.cell(row).text for column in columns),
                f"{row.source}.json",
            )
            for row in rows
        ),
        caption="★: nothing measured on its device, on the same images, is both cheaper and better.",
    )
    return table.markdown()


def _number(value: float | None, digits: int) -> Cell:
    return Cell(number(value, digits), None if value is None else float(value))


def _time(value: float | None) -> Cell:
    return Cell(milliseconds(value), value)


def _text(value: str) -> Cell:
    return Cell(value or ABSENT)


def _structure(row: Joined) -> Cell:
    entry = row.quality
    value = None if entry is None else entry.ms_ssim if entry.ms_ssim is not None else entry.ssim
    return _number(value, 4)


def _images(row: Joined) -> Cell:
    return _text("" if row.quality is None else f"{row.quality.name} ({row.quality.images})")


def _golden(row: Joined) -> Cell:
    golden = row.row.golden
    if golden is None:
        return Cell(ABSENT)
    return Cell(number(golden.psnr_db, 1) + ("" if golden.right else ", WRONG"), golden.psnr_db)


def _timed(name: str) -> Callable[[Joined], Cell]:
    return lambda row: _time(None if row.row.latency is None else getattr(row.row.latency, name))


def _score(name: str) -> Callable[[Joined], Cell]:
    return lambda row: _number(None if row.row.pirm is None else getattr(row.row.pirm, name), 2)


def _billions(row: Joined) -> Cell:
    return _number(None if row.instructions is None else row.instructions / 1e9, 3)


def _file(row: Joined) -> Cell:
    size = row.row.file_bytes
    return _number(None if size is None else size / 1024, 0)


def _threads(row: Joined) -> Cell:
    count = None if row.row.latency is None else row.row.latency.threads
    return Cell(ABSENT if count is None else str(count), count)


COLUMNS: tuple[Column, ...] = (
    Column("model", "model", lambda row: _text(row.row.model), numeric=False),
    Column("precision", "precision", lambda row: _text(row.row.precision), numeric=False),
    Column("device", "device", lambda row: _text(row.device), numeric=False),
    Column("format", "format", lambda row: _text(row.target), numeric=False),
    Column("psnr", "PSNR dB", lambda row: _number(None if row.quality is None else row.quality.psnr_db, 2),
           "Of the images as the device computed them", best="high"),
    Column("ssim", "SSIM", _structure, "MS-SSIM where the suite asks for it", best="high"),
    Column("golden", "golden dB", _golden, "The device's output of the golden input against the network's",
           best="high"),
    Column("p50", "p50 ms", _timed("p50_ms"), "Median time of a run", best="low"),
    Column("p90", "p90", _timed("p90_ms"), best="low"),
    Column("p99", "p99", _timed("p99_ms"), best="low"),
    Column("first", "first", _timed("first_run_ms"), "The first run after loading", best="low"),
    Column("sustained", "sustained", lambda row: _time(row.sustained_ms), "Median after minutes of running",
           best="low"),
    Column("instructions", "G instr.", _billions, "Instructions of one inference, in billions: they are not time",
           best="low"),
    Column("memory", "peak MiB", lambda row: _number(row.row.peak_mib, 0), "Of the process that ran it", best="low"),
    Column("file", "file KiB", _file, best="low"),
    Column("a", "PIRM A", _score("a"), "SRCNN's time is that of its own run", best="high"),
    Column("b", "PIRM B", _score("b"), best="high"),
    Column("c", "PIRM C", _score("c"), best="high"),
    Column("mobile", "Mobile AI", lambda row: _number(row.row.mobile_ai_relative, 3),
           "Relative to the best row of its own result", best="high"),
    Column("images", "images", _images, numeric=False),
    Column("size", "output", lambda row: _text(row.size), numeric=False),
    Column("threads", "threads", _threads),
    Column("residency", "where operators ran", lambda row: _text(row.row.placed or ""), numeric=False),
    Column("runtime", "runtime", lambda row: _text(row.runtime), numeric=False),
)  # fmt: skip
