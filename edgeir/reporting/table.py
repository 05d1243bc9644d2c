"""Tables of a result: one structure, written as Markdown or as HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from edgeir.benchmarking.result import Ratio, Result, Row, SetQuality
from edgeir.benchmarking.suite import Published, Suite

__all__ = [
    "ABSENT",
    "Table",
    "colours",
    "cost_table",
    "escape_markdown",
    "latency_table",
    "milliseconds",
    "number",
    "published_rows",
    "quality_table",
    "ratio_table",
    "score_table",
]

ABSENT = "–"
QUOTED = "Published figures are quoted from the papers, not measured here."
Y_ONLY = "A network marked Y only restores luma alone, which is easier than colour: compare it with others marked so."


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        columns: header texts.
        numeric: which columns are aligned to the right.
        rows: cells, as many as columns.
        faint: numbers of rows that were not measured here (published figures).
    """

    title: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    faint: frozenset[int] = frozenset()
    caption: str = ""

    def markdown(self) -> str:
        """GitHub-flavoured Markdown, without the title, ending in a newline."""
        lines = [
            _line(self.columns),
            _line(["---:" if right else "---" for right in self.numeric], escape=False),
        ]
        for index, row in enumerate(self.rows):
            lines.append(_line(row, italic=index in self.faint))
        text = "\n".join(lines) + "\n"
        return f"{text}\n{escape_markdown(self.caption)}\n" if self.caption else text

    def html(self) -> str:
        """A ``<table>`` with the title and caption as its ``<caption>``, everything escaped."""

        def cells(tag: str, row: Sequence[str]) -> str:
            starts = [f'<{tag} class="n">' if right else f"<{tag}>" for right in self.numeric]
            return "".join(
                f"{start}{html.escape(cell)}</{tag}>" for start, cell in zip(starts, row, strict=True)
            )

        lines = [f"<h3>{html.escape(self.title)}</h3>", '<div class="scroll"><table>']
        lines += [f"<thead><tr>{cells('th', self.columns)}</tr></thead>", "<tbody>"]
        for index, row in enumerate(self.rows):
            lines.append(
                ('<tr class="faint">' if index in self.faint else "<tr>") + cells("td", row) + "</tr>"
            )
        lines.append("</tbody></table></div>")
        if self.caption:
            lines.append(f'<p class="caption">{html.escape(self.caption)}</p>')
        return "\n".join(lines)


def escape_markdown(text: str) -> str:
    """`text` as it is, on one line, whatever characters it has."""
    flat = " ".join(text.split())
    for special in ("\\", "|", "`", "*", "_", "[", "]", "<", ">"):
        flat = flat.replace(special, "\\" + special)
    return flat


def _line(cells: Sequence[str], *, escape: bool = True, italic: bool = False) -> str:
    shown = [escape_markdown(cell) if escape else cell for cell in cells]
    if italic:
        shown = [f"*{cell}*" if cell else cell for cell in shown]
    return "| " + " | ".join(shown) + " |"


def number(value: float | None, digits: int) -> str:
    """`value` with `digits` decimals, thousands set apart, or a dash."""
    return ABSENT if value is None else f"{value:,.{digits}f}"


def milliseconds(value: float | None) -> str:
    """Three significant figures, as far as that makes sense."""
    if value is None:
        return ABSENT
    return number(value, 0 if value >= 100 else 1 if value >= 10 else 2)


def colours(value: str | None) -> str:
    """What a network restores, for a table."""
    return {"rgb": "RGB", "y": "Y only"}.get(value or "", ABSENT)


def count(value: int | None) -> str:
    """A parameter count: ``237 K``."""
    if value is None:
        return ABSENT
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    return f"{value / 1e3:.1f} K" if value < 1e5 else f"{value / 1e3:.0f} K"


def suite_of(result: Result) -> Suite | None:
    """The suite inside a result, if it still fits the schema."""
    return None if result.suite is None else Suite.model_validate(result.suite)


def published_rows(result: Result) -> list[tuple[str, dict[str, Published]]]:
    """Published figures per model and set, in the order of the suite; none where they cannot be compared."""
    suite = suite_of(result)
    if suite is None or not result.comparable:
        return []
    models: dict[str, dict[str, Published]] = {}
    for entry in suite.sets:
        for row in entry.published:
            models.setdefault(row.model, {})[entry.name] = row
    return list(models.items())


def quality_table(result: Result) -> Table | None:
    """PSNR and the second metric per set, measured rows first, published ones after; `None` without quality."""
    rows = [row for row in result.rows if row.quality]
    if not rows or rows[0].quality is None:
        return None
    names = [entry.name for entry in rows[0].quality.sets]
    second = "MS-SSIM" if any(entry.ms_ssim is not None for entry in rows[0].quality.sets) else "SSIM"
    body = []
    for row in rows:
        cells = [row.model, row.runtime, row.precision, colours(row.colours), count(row.parameters)]
        for name in names:
            cells += _figures(row.quality.get(name) if row.quality else None, second)
        body.append(cells)
    measured = len(body)
    for model, figures in published_rows(result):
        some = next(iter(figures.values()))
        cells = [model, "published", "", colours(some.colours), count(some.parameters)]
        for name in names:
            cells += _figures(figures.get(name), second)
        body.append(cells)
    columns = ["model", "runtime", "precision", "colours", "parameters"]
    columns += [f"{name} {what}" for name in names for what in ("PSNR dB", second)]
    known = any(cells[3] != ABSENT for cells in body)
    if not known:  # a result of before this was recorded
        columns, *body = (cells[:3] + cells[4:] for cells in (columns, *body))
    texts = 4 if known else 3
    caption = f"{QUOTED} {Y_ONLY}" if known else QUOTED
    return Table(
        title="Quality",
        columns=tuple(columns),
        numeric=(*([False] * texts), *([True] * (len(columns) - texts))),
        rows=tuple(map(tuple, body)),
        faint=frozenset(range(measured, len(body))),
        caption=caption if len(body) > measured else "",
    )


def _figures(entry: SetQuality | Published | None, second: str) -> list[str]:
    """PSNR and the second metric of one set."""
    other = None if entry is None else entry.ms_ssim if second == "MS-SSIM" else entry.ssim
    return [number(entry.psnr_db if entry else None, 2), number(other, 4)]


def latency_table(result: Result) -> Table | None:
    """The times of every timed row; `None` without any."""
    rows = [(row, row.latency) for row in result.rows if row.latency and row.device is None]
    facts = result.timing
    if not rows or facts is None:
        return None
    names = ("p50 ms", "p90", "p99", "min", "first run", "init")
    body = []
    for row, time in rows:
        times = (time.p50_ms, time.p90_ms, time.p99_ms, time.min_ms, time.first_run_ms, time.init_ms)
        shown = (milliseconds(value) for value in times)
        body.append((row.model, row.runtime, row.precision, *shown, speedup(baseline_ratio(row))))
    return Table(
        title=f"Time at {facts.width}x{facts.height} output, {threads(facts.threads)}",
        columns=("model", "runtime", "precision", *names, "speed-up over SRCNN"),
        numeric=(False, False, False, *([True] * 7)),
        rows=tuple(body),
        caption=f"{facts.rounds} interleaved rounds; a speed-up is the median over rounds, in brackets its 10 % and "
        "90 % quantiles. The time of a network that takes the enlarged image does not include the enlargement.",
    )


def cost_table(result: Result) -> Table | None:
    """Size, arithmetic and memory of every timed row; `None` without any."""
    rows = [(row, row.latency) for row in result.rows if row.latency and row.device is None]
    if not rows:
        return None
    body = []
    for row, time in rows:
        cells = (
            count(row.parameters),
            number(None if row.file_bytes is None else row.file_bytes / 1024, 0),
            number(None if row.macs is None else row.macs / 1e9, 2),
            number(time.gmac_s, 1),
            ABSENT if time.gemm_share is None else f"{100 * time.gemm_share:.0f} %",
            number(row.peak_mib, 0),
            number(
                None if row.peak_mib is None or row.import_mib is None else row.peak_mib - row.import_mib, 0
            ),
        )
        body.append((row.model, row.runtime, row.precision, *cells))
    gemm = result.timing.gemm_gmac_s if result.timing else None
    rate = f"The machine's fp32 matrix product: {max(gemm):.1f} GMAC/s. " if gemm else ""
    names = ("parameters", "file KiB", "GMAC", "GMAC/s", "of GEMM", "peak MiB", "without imports")
    return Table(
        title="Size, arithmetic and memory",
        columns=("model", "runtime", "precision", *names),
        numeric=(False, False, False, *([True] * 7)),
        rows=tuple(body),
        caption=f"{rate}Peak memory is that of a separate process; without imports: less the memory of Python and the "
        "runtime's library before the file was loaded.",
    )


def score_table(result: Result) -> Table | None:
    """The challenge scores; `None` where none was computed."""
    rows = [row for row in result.rows if row.pirm]
    if not rows:
        return None
    body = []
    for row in rows:
        assert row.pirm is not None
        assert row.latency is not None
        time = row.latency.pirm_ms if result.timing and result.timing.rule == "pirm" else row.latency.p50_ms
        scores = (row.pirm.a, row.pirm.b, row.pirm.c)
        cells = (milliseconds(time), number(row.pirm.speedup, 2), *(number(score, 2) for score in scores))
        body.append((row.model, row.runtime, row.precision, *cells, number(row.mobile_ai_relative, 3)))
    track = rows[0].pirm.track if rows[0].pirm else ""
    warning = (
        "" if result.comparable else " The images are not the challenge's: not comparable with its table."
    )
    return Table(
        title=f"PIRM 2018 scores, track {track}",
        columns=(
            "model",
            "runtime",
            "precision",
            "ms",
            "min(T_b/T, 4)",
            "A",
            "B",
            "C",
            "Mobile AI, relative",
        ),
        numeric=(False, False, False, *([True] * 6)),
        rows=tuple(body),
        caption=f"T_b is SRCNN on the same runtime in the same run.{warning}",
    )


def ratio_table(result: Result) -> Table | None:
    """The paired ratios to baselines, and between the forms of one model; `None` where there is none."""
    models = {row.name: row for row in result.rows}
    body = [
        (row.name, ratio.against, *speedup(ratio).removesuffix(")").split(" ("), str(ratio.rounds))
        for row in result.rows
        for ratio in row.ratios
        if ratio.median >= 1
        and (other := models.get(ratio.against))
        and (other.role == "baseline" or other.model == row.model)
    ]
    if not body:
        return None
    return Table(
        title="Ratios",
        columns=("faster", "slower", "speed-up", "10 % to 90 % of rounds", "rounds"),
        numeric=(False, False, True, True, True),
        rows=tuple(body),
    )


def baseline_ratio(row: Row) -> Ratio | None:
    """The ratio to SRCNN on the same runtime."""
    return next((ratio for ratio in row.ratios if ratio.against == f"SRCNN {row.runtime} fp32"), None)


def speedup(ratio: Ratio | None) -> str:
    """``12.3 (12.1 to 12.6)``, to three significant figures."""
    if ratio is None:
        return ABSENT
    digits = 2 if ratio.median < 10 else 1 if ratio.median < 100 else 0
    low, median, high = (number(value, digits) for value in (ratio.p10, ratio.median, ratio.p90))
    return f"{median} ({low} to {high})"


def threads(number_of: int) -> str:
    """``1 thread``, ``2 threads``."""
    return f"{number_of} thread" + ("" if number_of == 1 else "s")
