"""The quality-against-latency plot: every measured row, the Pareto front, published figures as lines.

matplotlib's object interface is used throughout: no global state, no display.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from edgeir.benchmarking.result import Result, Row
from edgeir.core.requires import require
from edgeir.reporting.table import published_rows, threads
from edgeir.runtime.catalog import RUNTIMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Point", "front", "plot", "points_of", "render"]

STYLE = {
    "light": {"ink": "#1f2430", "faint": "#8a90a0", "grid": "#e4e7ee", "paper": "#ffffff"},
    "dark": {"ink": "#e6e9f0", "faint": "#8b93a7", "grid": "#2c3242", "paper": "#161a23"},
}
OTHER = ("D", "#7a7f8c")
LEAST_DB = 0.8
"""Smallest range of the y axis, so that a hundredth of a decibel does not look like a large difference."""
Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Point:
    """One measured row in the plane."""

    label: str
    runtime: str
    latency_ms: float
    psnr_db: float


def points_of(result: Result) -> tuple[list[Point], str | None]:
    """The rows with both a time and a quality, and the set (that with the most images) their PSNR is of."""
    rows = [row for row in result.rows if row.latency and row.quality]
    if not rows or rows[0].quality is None:
        return [], None
    name = max(rows[0].quality.sets, key=lambda entry: entry.images).name
    points = []
    for row in rows:
        quality = row.quality.get(name) if row.quality else None
        if quality and row.latency:
            points.append(Point(_label(row), row.runtime, row.latency.p50_ms, quality.psnr_db))
    return points, name


def _label(row: Row) -> str:
    return row.model if row.precision in ("fp32", "-") else f"{row.model} {row.precision}"


def front(points: Sequence[Point]) -> list[Point]:
    """The points that no other one beats in both time and PSNR, fastest first."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.latency_ms, -p.psnr_db)):
        if not best or point.psnr_db > best[-1].psnr_db:
            best.append(point)
    return best


def render(result: Result, *, scheme: Scheme = "light", kind: Literal["svg", "png"] = "svg") -> bytes | None:
    """The plot as a file's bytes; `None` where the result has no row with both a time and a quality."""
    figure = plot(result, scheme=scheme)
    if figure is None:
        return None
    stream = io.BytesIO()
    matplotlib = require("matplotlib", "drawing the plot")
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with matplotlib.rc_context({"svg.hashsalt": "edgeir", "svg.fonttype": "path"}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a model name with glyphs the font lacks is drawn as boxes
        figure.savefig(stream, format=kind, dpi=160, facecolor=figure.get_facecolor(), metadata=metadata)
    return stream.getvalue()


def plot(result: Result, *, scheme: Scheme = "light") -> Figure | None:
    """The figure; `None` where there is nothing to draw."""
    points, name = points_of(result)
    if not points or name is None:
        return None
    require("matplotlib", "drawing the plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator

    colours = STYLE[scheme]
    figure = Figure(figsize=(9.0, 5.4), facecolor=colours["paper"], layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=colours["paper"])
    axes.set_xscale("log")
    _limits(axes, points, result, name)
    _style(axes, colours)
    ticks = LogLocator(base=10, subs=(1.0, 2.0, 5.0), numticks=20)
    axes.xaxis.set_major_locator(ticks)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    best = front(points)
    axes.step(
        [p.latency_ms for p in best] + [axes.get_xlim()[1]],
        [p.psnr_db for p in best] + [best[-1].psnr_db],
        where="post",
        color=colours["faint"],
        linewidth=1.2,
        linestyle=(0, (4, 3)),
        zorder=2,
        label="best for its time",
    )
    marks = {entry.name: (entry.marker, entry.colour) for entry in RUNTIMES}
    for runtime in dict.fromkeys(point.runtime for point in points):
        marker, colour = marks.get(runtime, OTHER)
        own = [point for point in points if point.runtime == runtime]
        axes.scatter(
            [p.latency_ms for p in own],
            [p.psnr_db for p in own],
            s=64,
            marker=marker,
            facecolor=[colour if p in best else colours["paper"] for p in own],
            edgecolor=colour,
            linewidth=1.6,
            zorder=4,
            label=runtime,
        )
    facts = result.timing
    where = "" if facts is None else f" of one {facts.width}×{facts.height} image, {threads(facts.threads)}"
    axes.set_xlabel(f"median latency{where} (ms, faster to the left)", color=colours["ink"])
    channel = str((result.protocol or {}).get("channel", "")).upper()
    axes.set_ylabel(f"PSNR on {name}{f', {channel}' if channel else ''} (dB)", color=colours["ink"])
    legend = axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=4,
        frameon=False,
        fontsize=9,
        labelcolor=colours["ink"],
    )
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_facecolor(handle.get_edgecolor())
    _references(axes, result, name, colours)
    canvas.draw()
    _place_labels(axes, points, colours, canvas.get_renderer())
    return figure


def _style(axes: Axes, colours: dict[str, str]) -> None:
    axes.grid(True, which="major", color=colours["grid"], linewidth=0.8, zorder=0)
    axes.tick_params(which="both", colors=colours["ink"], labelsize=9, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(colours["faint"])


def _limits(axes: Axes, points: Sequence[Point], result: Result, name: str) -> None:
    times = [point.latency_ms for point in points]
    levels = [point.psnr_db for point in points]
    span = max(max(levels) - min(levels), LEAST_DB / 2)
    near = [level for _, level in _levels(result, name) if min(levels) - span <= level <= max(levels) + span]
    low, high = min([*levels, *near]), max([*levels, *near])
    spread = 0.62 * max(high - low, LEAST_DB)
    axes.set_xlim(min(times) / 1.6, max(times) * 2.2)
    axes.set_ylim((low + high) / 2 - spread, (low + high) / 2 + spread)


def _levels(result: Result, name: str) -> list[tuple[str, float]]:
    """Horizontal reference lines: the measured bicubic, and published PSNRs of the set."""
    lines = []
    for row in result.rows:
        quality = row.quality.get(name) if row.quality and row.latency is None else None
        if quality:
            lines.append((row.model, quality.psnr_db))
    for model, figures in published_rows(result):
        if name in figures and model not in {label for label, _ in lines}:
            luma = ", Y only" if figures[name].colours == "y" else ""
            lines.append((f"{model}{luma}, published", figures[name].psnr_db))
    return lines


def _references(axes: Axes, result: Result, name: str, colours: dict[str, str]) -> None:
    """Lines with their labels in the right margin, pushed apart where they would touch."""
    low, high = axes.get_ylim()
    shown = sorted(((level, label) for label, level in _levels(result, name) if low <= level <= high))
    gap = (high - low) * 0.042
    heights: list[float] = []
    for level, _ in shown:
        heights.append(max(level, heights[-1] + gap) if heights else level)
    overflow = max(0.0, heights[-1] - (high - gap / 2)) if heights else 0.0
    for index in range(len(heights) - 1, -1, -1):
        limit = heights[index + 1] - gap if index + 1 < len(heights) else heights[index] - overflow
        heights[index] = min(heights[index], limit)
    for (level, label), height in zip(shown, heights, strict=True):
        axes.axhline(level, color=colours["faint"], linewidth=0.7, linestyle=":", zorder=1)
        axes.annotate(
            f"{label} {level:.2f}",
            xy=(1.0, level),
            xycoords=("axes fraction", "data"),
            xytext=(1.02, height),
            textcoords=("axes fraction", "data"),
            color=colours["faint"],
            fontsize=8,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colours["faint"],
                "linewidth": 0.5,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0.0, 0.5),
            },
        )


def _place_labels(axes: Axes, points: Sequence[Point], colours: dict[str, str], renderer: Any) -> None:
    """Put each label where it covers no marker and no other label, as far as that is possible."""
    from matplotlib.transforms import Bbox

    pixels = axes.transData.transform([(point.latency_ms, point.psnr_db) for point in points])
    taken = [Bbox.from_bounds(x - 7, y - 7, 14, 14) for x, y in pixels]
    inside = axes.get_window_extent(renderer)
    for index, point in enumerate(points):
        text = axes.annotate(
            point.label,
            xy=(point.latency_ms, point.psnr_db),
            xytext=(0, 0),
            textcoords="offset points",
            color=colours["ink"],
            fontsize=9,
            zorder=5,
        )
        others = [box for number, box in enumerate(taken) if number != index]
        candidates = []
        for rank, (dx, dy, ha, va) in enumerate(_OFFSETS):
            text.set_position((dx, dy))
            text.set(ha=ha, va=va)
            box = text.get_window_extent(renderer)
            covered = sum(_overlap(box, other) for other in others)
            outside = 0.0 if inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 else 1e6
            candidates.append((covered + outside, rank, box))
        _, rank, box = min(candidates, key=lambda entry: entry[:2])
        dx, dy, ha, va = _OFFSETS[rank]
        text.set_position((dx, dy))
        text.set(ha=ha, va=va)
        taken.append(box)


_OFFSETS = (
    (7, 5, "left", "bottom"),
    (7, -5, "left", "top"),
    (-7, 5, "right", "bottom"),
    (-7, -5, "right", "top"),
    (0, 9, "center", "bottom"),
    (0, -9, "center", "top"),
    (10, 0, "left", "center"),
    (-10, 0, "right", "center"),
    (7, 17, "left", "bottom"),
    (7, -17, "left", "top"),
    (-7, 17, "right", "bottom"),
    (-7, -17, "right", "top"),
)


def _overlap(a: Any, b: Any) -> float:
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return float(width * height) if width > 0 and height > 0 else 0.0
