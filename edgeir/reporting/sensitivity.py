"""The plot of `edgeir sensitivity`: every layer's error, and what keeping it in float wins and costs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from edgeir.core.requires import require
from edgeir.exporting.sensitivity import Sensitivity
from edgeir.reporting.pareto import STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["render_sensitivity"]

_BAR, _GAIN, _COST = "#7a9cc6", "#3b7d5c", "#c98a3c"


def render_sensitivity(found: Sensitivity) -> bytes:
    """A PNG; the layers from top to bottom as the network runs them.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require("matplotlib", "drawing the plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    colours, names = STYLE["light"], [layer.layer for layer in found.layers]
    timed = any(layer.float_ms is not None for layer in found.layers)
    figure = Figure(figsize=(11.0, 1.6 + 0.32 * len(names)), facecolor=colours["paper"], layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subplots(1, 2 + timed, sharey=True)
    noise = [layer.alone_db for layer in found.layers]
    _bars(
        panels[0],
        names,
        noise,
        _BAR,
        "this layer alone in integers:\nratio of signal to error (dB)",
        "{:.1f}",
    )
    _bars(panels[1], names, [layer.gain_db for layer in found.layers], _GAIN,
          "this layer's weights in float:\nthe file's ratio grows by (dB)", "{:+.2f}")  # fmt: skip
    if timed:
        cost = [layer.float_ms for layer in found.layers]
        _bars(panels[2], names, [value or 0.0 for value in cost], _COST,
              "this layer in float:\nthe file takes longer by (ms)", "{:+.3f}",
              missing=[value is None for value in cost])  # fmt: skip
    panels[0].invert_yaxis()
    where = "" if found.timed_on is None else f"; {found.timed_on}"
    figure.suptitle(
        f"{found.network} in int8: {found.ratio_db:.1f} dB on {found.images} calibration images{where}",
        color=colours["ink"],
        fontsize=10,
    )
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130, facecolor=colours["paper"], metadata={"Software": None})
    return stream.getvalue()


def _bars(
    axes: Axes,
    names: list[str],
    values: list[float],
    colour: str,
    title: str,
    form: str,
    missing: list[bool] | None = None,
) -> None:
    ink = STYLE["light"]["ink"]
    axes.barh(names, values, color=colour, height=0.66)
    axes.set_xlabel(title, color=ink, fontsize=9)
    axes.tick_params(colors=ink, labelsize=8)
    axes.axvline(0, color=STYLE["light"]["faint"], linewidth=0.8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    for row, value in enumerate(values):
        text = "cannot stay in float" if missing is not None and missing[row] else form.format(value)
        axes.annotate(
            text,
            (max(value, 0.0), row),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
            color=ink,
        )
    low, high = axes.get_xlim()
    axes.set_xlim(low, high + 0.18 * (high - low))
