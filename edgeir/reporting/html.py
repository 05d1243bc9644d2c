"""One self-contained HTML page: no script, no font, no image, no style from anywhere else.

Its links lead to the result files, which `edgeir report` puts beside it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeir.benchmarking.result import Result, Row
from edgeir.imaging.files import read_rgb
from edgeir.reporting.joined import joined_rows
from edgeir.reporting.joined_html import joined_section
from edgeir.reporting.joined_script import JOINED_STYLE
from edgeir.reporting.pareto import render
from edgeir.reporting.table import baseline_ratio, milliseconds
from edgeir.reporting.table import threads as threads_text
from edgeir.reporting.tables import TABLES

__all__ = ["ShownImage", "headline", "page"]


@dataclass(frozen=True)
class ShownImage:
    """An image file to show; those of the same `group` are side by side, in the order given."""

    path: Path
    label: str
    group: str = ""


STYLE = """
:root { color-scheme: light dark; --ink: #1f2430; --soft: #5b6272; --line: #e1e5ee; --paper: #ffffff;
  --panel: #f6f7fb; --mark: #b3263e; --faint: #8a90a0; --link: #1b5fa8; --front: #fdf3e3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9f0; --soft: #9aa3b6; --line: #2c3242; --paper: #161a23;
  --panel: #1d2330; --mark: #ff8a9b; --faint: #6b7488; --link: #8fc1ff; --front: #2c2a22; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 66rem; color: var(--ink); background: var(--paper);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .4rem; padding-top: 1.2rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.02rem; margin: 1.8rem 0 .5rem; }
p { margin: .4rem 0; max-width: 46rem; }
.lead, .caption, dd, footer { color: var(--soft); }
.caption, footer { font-size: .86rem; }
.warning { border-left: 4px solid var(--mark); padding: .4rem .9rem; background: var(--panel); }
ul.summary { list-style: none; padding: 0; display: grid; gap: .7rem;
  grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
ul.summary li { background: var(--panel); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
ul.summary b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: .36rem .7rem; text-align: left; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
th.n, td.n { text-align: right; }
tr.faint td { color: var(--soft); font-style: italic; }
figure { margin: 1rem 0; }
figure img { max-width: 100%; height: auto; display: block; }
.plot img { border: 1px solid var(--line); border-radius: .6rem; width: 100%; }
.images { display: flex; flex-wrap: wrap; gap: .8rem; }
.images figure { flex: 1 1 14rem; margin: 0; }
.images img { width: 100%; image-rendering: auto; border-radius: .3rem; }
figcaption { font-size: .86rem; color: var(--soft); padding-top: .25rem; }
details { margin-top: 1.6rem; } summary { cursor: pointer; font-weight: 600; font-size: 1.02rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .86rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
"""


def page(
    results: Sequence[Result],
    *,
    names: Sequence[str] = (),
    headings: Sequence[str] = (),
    title: str = "edgeir report",
    images: Sequence[ShownImage] = (),
) -> str:
    """The page as text.

    Args:
        results: one section each, in this order.
        names: of the result files beside the page, without suffix; by default those of the results.
        headings: of the sections; by default the results' titles.
        images: files to inline, for example the input, the output and the original.

    Raises:
        ImageError: an image cannot be read.
        MissingExtraError: matplotlib is not installed.
    """
    headings = headings or [result.title for result in results]
    joined = joined_section(joined_rows(results, names or [result.name for result in results]))
    sections = "\n".join(_section(result, heading) for result, heading in zip(results, headings, strict=True))
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}{JOINED_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{html.escape(title)}</h1>\n"
        '<p class="lead">Image restoration networks as they ship: the quality and the time of the exported file.</p>\n'
        f"{_images(images)}\n{joined}\n{sections}\n</main>\n"
        "<footer><p>Made by <code>edgeir report</code> from result files; every figure was measured by the run that "
        "is described beside it, unless a row says “published”.</p></footer>\n</body>\n</html>\n"
    )


def headline(result: Result) -> list[tuple[str, str]]:
    """The main results of the run, at most four, each as a figure and a sentence."""
    measured = [row for row in result.rows if row.quality and row.role == "candidate"]
    timed = [row for row in result.rows if row.latency and row.role == "candidate"]
    facts: list[tuple[str, str]] = []
    if timed:
        fastest = min(timed, key=lambda row: row.latency.p50_ms if row.latency else float("inf"))
        assert fastest.latency is not None
        size = f"{fastest.latency.width}x{fastest.latency.height}"
        shown = f"{milliseconds(fastest.latency.p50_ms)} ms"
        facts.append(
            (shown, f"fastest: {fastest.name}, one {size} image, {threads_text(fastest.latency.threads)}")
        )
        ratio = baseline_ratio(fastest)
        if ratio is not None:
            facts.append(
                (f"{ratio.median:.1f}×", f"speed-up over SRCNN on {fastest.runtime}, in the same run")
            )
    if measured:
        name = (
            max(measured[0].quality.sets, key=lambda entry: entry.images).name if measured[0].quality else ""
        )
        best = max(measured, key=lambda row: _psnr(row, name))
        facts.append((f"{_psnr(best, name):.2f} dB", f"best PSNR on {name}: {best.name}"))
        bicubic = next((row for row in result.rows if row.model == "bicubic" and row.quality), None)
        if bicubic is not None:
            facts.append((f"{_psnr(best, name) - _psnr(bicubic, name):+.2f} dB", f"above bicubic on {name}"))
    return facts


def _psnr(row: Row, name: str) -> float:
    quality = row.quality.get(name) if row.quality else None
    return quality.psnr_db if quality else float("-inf")


def _section(result: Result, heading: str) -> str:
    suite = result.suite or {}
    parts = [f"<h2>{html.escape(heading)}</h2>"]
    if suite.get("description"):
        parts.append(f"<p>{html.escape(str(suite['description']))}</p>")
    parts += [f'<p class="warning">{html.escape(note)}</p>' for note in result.notes]
    if facts := headline(result):
        items = "".join(f"<li><b>{html.escape(figure)}</b>{html.escape(text)}</li>" for figure, text in facts)
        parts.append(f'<ul class="summary">{items}</ul>')
    parts.append(_plot(result))
    for make in TABLES.values():
        if (table := make(result)) is not None:
            parts.append(table.html())
    parts.append(_how(result))
    return "<section>\n" + "\n".join(part for part in parts if part) + "\n</section>"


def _plot(result: Result) -> str:
    light, dark = render(result, scheme="light"), render(result, scheme="dark")
    if light is None or dark is None:
        return ""
    return (
        '<figure class="plot"><picture>'
        f'<source media="(prefers-color-scheme: dark)" srcset="{_data_uri(dark, "image/svg+xml")}">'
        f'<img src="{_data_uri(light, "image/svg+xml")}" alt="Quality against latency of every measured network">'
        "</picture><figcaption>Up and to the left is better. A filled mark is on the front: nothing measured is both "
        "faster and better.</figcaption></figure>"
    )


def _how(result: Result) -> str:
    """Facts needed to trust or repeat the run."""
    machine = {str(key): str(value) for key, value in result.environment.machine.items()}
    items = [("measured", result.created), ("revision", result.environment.revision or "an installed wheel")]
    items += [(key.replace("_", " "), value) for key, value in machine.items()]
    items.append(
        ("versions", ", ".join(f"{key} {value}" for key, value in result.environment.versions.items()))
    )
    if result.protocol is not None:
        items.append(("protocol", ", ".join(f"{key} {value}" for key, value in result.protocol.items())))
    if (facts := result.timing) is not None:
        rule = "PIRM's mean of images 3 and 4" if facts.rule == "pirm" else "the median of all runs"
        items.append(
            (
                "timing",
                f"{facts.rounds} rounds in which every file has one turn of about {facts.turn_s:g} s, the order "
                f"rotating; {facts.warmup_s:g} s of warm-up each; {threads_text(facts.threads)}; scores use {rule}; "
                f"input: {facts.input}",
            )
        )
        if facts.gemm_gmac_s is not None:
            before, after = facts.gemm_gmac_s
            items.append(("fp32 matrix product", f"{before:.1f} GMAC/s before, {after:.1f} after"))
        others = (
            ""
            if facts.others_cores is None
            else f"; other processes kept {facts.others_cores:.2f} cores busy meanwhile"
        )
        load = "not known here"
        if facts.load_average is not None:
            load = f"{facts.load_average[0]:.2f} before, {facts.load_average[1]:.2f} after"
        items.append(("load average", load + others))
    items += [(f"sha256 of {row.name}", row.sha256) for row in result.rows if row.sha256]
    body = "".join(f"<dt>{html.escape(key)}</dt><dd>{html.escape(value)}</dd>" for key, value in items)
    return f"<details open><summary>How it was measured</summary>\n<dl>{body}</dl></details>"


def _images(images: Sequence[ShownImage]) -> str:
    groups: dict[str, list[ShownImage]] = {}
    for image in images:
        groups.setdefault(image.group, []).append(image)
    parts = []
    for group, members in groups.items():
        figures = "".join(
            f'<figure><img src="{_inline(member.path)}" alt="{html.escape(member.label, quote=True)}">'
            f"<figcaption>{html.escape(member.label)}</figcaption></figure>"
            for member in members
        )
        heading = f"<h3>{html.escape(group)}</h3>" if group else ""
        parts.append(f'{heading}<div class="images">{figures}</div>')
    return "\n".join(parts)


def _inline(path: Path) -> str:
    """An image as a lossless data URI, decoded first, so that a file that is no image is an error here."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(read_rgb(path)).save(stream, format="PNG", optimize=True)
    return _data_uri(stream.getvalue(), "image/png")


def _data_uri(data: bytes, media: str) -> str:
    return f"data:{media};base64,{base64.b64encode(data).decode('ascii')}"
