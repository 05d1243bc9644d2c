"""Draw the README's plot of quality against time: the zoo's networks beside PPCN-SR and published figures.

    python benchmarks/plot.py [--out docs/quality-time.svg] [--check]

Times are those of benchmarks/results/students-vs-baselines.json: every network in one run of LiteRT, on one thread,
one image of 1280x720. Quality is PSNR on B100 x4: measured for the zoo's networks (zoo-*-sr-x4.json, and
eval-*-int8.json for their int8 files), quoted from the suite for PPCN-SR and for the dotted lines, whose times were
not measured here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edgeir.benchmarking.result import Quality, Result, Row, SetQuality, read_result
from edgeir.benchmarking.suite import Suite, load_suite
from edgeir.core.errors import ConfigError, EdgeIRError
from edgeir.core.files import atomic_file
from edgeir.reporting.pareto import points_of, render
from edgeir.reporting.table import published_rows

ROOT = Path(__file__).resolve().parent.parent
TIMES, RUNTIME = "students-vs-baselines", "litert"
SUITE, SET = "sr-x4", "B100"
NETWORKS = {"PlainSR 32x10": "sr-x4", "PlainSR 12x6": "sr-x4-xs"}
"""The timed networks that the zoo has trained. (Weights do not matter for time.)"""
QUOTED = "PPCN-SR"
"""Timed here with our code; its quality is its paper's."""


def result(results: Path) -> Result:
    """The rows of the plot.

    Raises:
        ConfigError: a file lacks a row.
    """
    suite = load_suite(SUITE)
    times = read_result(results / f"{TIMES}.json")
    rows = [row for timed in times.rows if (row := _row(timed, results, suite)) is not None]
    missing = {*NETWORKS.values(), QUOTED} - {row.model for row in rows}
    if missing:
        raise ConfigError([f"has no rows of {', '.join(sorted(missing))}"], where=results / f"{TIMES}.json")
    protocol = suite.resolved_protocol().model_dump(mode="json")
    quoted = next(entry for entry in suite.sets if entry.name == SET)
    others = tuple(row for row in quoted.published if row.model != QUOTED)
    lines = suite.model_copy(update={"sets": (quoted.model_copy(update={"published": others}),)})
    return times.model_copy(
        update={"rows": tuple(rows), "suite": lines.model_dump(mode="json"), "protocol": protocol}
    )


def _row(timed: Row, results: Path, suite: Suite) -> Row | None:
    """A timed row with its quality; None for one that has none, or is of another runtime."""
    if timed.runtime != RUNTIME:
        return None
    if timed.model == QUOTED:
        figures = next(entry for entry in suite.sets if entry.name == SET).published
        psnr_db = next(row.psnr_db for row in figures if row.model == QUOTED)
        quoted = Quality(sets=(SetQuality(name=SET, images=100, psnr_db=psnr_db, per_image=()),))
        return timed.model_copy(update={"quality": quoted})
    name = NETWORKS.get(timed.model)
    if name is None:
        return None
    stem = f"zoo-{name}-{SUITE}" if timed.precision == "fp32" else f"eval-{name}-{timed.precision}"
    quality = read_result(results / f"{stem}.json").rows[0].quality
    return timed.model_copy(update={"model": name, "quality": quality})


def data(drawn: Result) -> str:
    """What the plot shows, as a comment for the end of the SVG: the bytes of a plot depend on matplotlib's version."""
    lines = [f"{model} {figures[SET].psnr_db:.2f} dB" for model, figures in published_rows(drawn)]
    return f"<!-- {shown(drawn)}. Published: {'; '.join(lines)}. -->"


def shown(drawn: Result) -> str:
    """The points of a plot, in words."""
    points, name = points_of(drawn)
    told = [f"{point.label} {point.latency_ms:.1f} ms {point.psnr_db:.2f} dB" for point in points]
    return f"{name}: {'; '.join(told)}"


def in_step(plot: Path, comment: str, remedy: str) -> int:
    """0 where the plot ends with this comment, else 1 with a line that says how it is drawn anew."""
    if plot.is_file() and comment in plot.read_text(encoding="utf-8"):
        return 0
    print(f"plot: out of step: run `python {remedy}`", file=sys.stderr)
    return 1


def write_plot(plot: Path, svg: bytes, comment: str) -> None:
    """The SVG with the comment at its end."""
    with atomic_file(plot) as temporary:
        temporary.write_text(f"{svg.decode('utf-8').rstrip()}\n{comment}\n", encoding="utf-8")
    print(f"wrote {plot}")


def main(arguments: list[str]) -> int:
    """Write the plot, or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "quality-time.svg")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when the plot is out of step"
    )
    options = parser.parse_args(arguments)
    try:
        drawn = result(ROOT / "benchmarks" / "results")
        comment = data(drawn)
        if options.check:
            return in_step(options.out, comment, "benchmarks/plot.py")
        plotted = render(drawn)
    except EdgeIRError as error:
        print(f"plot: error: {error}", file=sys.stderr)
        return 2
    assert plotted is not None
    write_plot(options.out, plotted, comment)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
