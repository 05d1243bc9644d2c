"""The figure of FDR-Net's interpretative experiment (Fig. 8): correlation of channels, response to degradations."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeir.benchmarking.quality.channels import ChannelStudy
from edgeir.core.files import atomic_file, refuse_existing
from edgeir.core.requires import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_channels", "write_channels"]

COLOURS = {"blur": "Blues", "noise": "Oranges", "JPEG": "Greens"}
UNITS = {"blur": "sigma {:g} px", "noise": "sigma {:g}", "JPEG": "quality {:g}"}


def write_channels(study: ChannelStudy, out: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Write ``channels.json`` and ``channels.png`` into the folder `out`.

    Raises:
        OutputError: it exists already, or cannot be written.
    """
    out = Path(out)
    stream = io.BytesIO()
    files = {"channels.png": b"", "channels.json": (study.model_dump_json(indent=1) + "\n").encode()}
    for name in files:
        refuse_existing(out / name, overwrite=overwrite)
    plot_channels(study).savefig(stream, format="png", dpi=130, metadata={"Software": None})
    files["channels.png"] = stream.getvalue()
    for name, data in files.items():
        with atomic_file(out / name) as temporary:
            temporary.write_bytes(data)
    return [out / name for name in files]


def plot_channels(study: ChannelStudy) -> Figure:
    """Two correlation matrices above, one line per strength and kind of degradation below."""
    require("matplotlib", "drawing the plot")
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained", facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)
    parts: Any = figure.subfigures(2, 1, height_ratios=(1.15, 1))
    upper, lower = parts
    matrices = (
        (f"before: {study.before}", study.correlation_before, study.mean_correlation_before),
        (f"after: {study.after}", study.correlation_after, study.mean_correlation_after),
    )
    panels = upper.subplots(1, 2)
    for axes, (title, matrix, mean) in zip(panels, matrices, strict=True):
        heatmap = axes.imshow(np.array(matrix), vmin=0, vmax=1, cmap="magma", interpolation="nearest")
        axes.set_title(f"{title}\nmean |correlation| {mean:.3f}", fontsize=10)
        axes.set(xlabel="channel", ylabel="channel")
    upper.colorbar(heatmap, ax=list(panels), shrink=0.85, label="|correlation|, mixed degradations")
    rows = lower.subplots(1, len(study.responses), sharey=True)
    for axes, (kind, levels) in zip(np.atleast_1d(rows), study.responses.items(), strict=True):
        shades = colormaps[COLOURS[kind]](np.linspace(0.35, 1.0, len(levels)))
        for position, (strength, shade, values) in enumerate(
            zip(study.strengths[kind], shades, levels, strict=True)
        ):
            ends = position in (0, len(levels) - 1)
            label = UNITS[kind].format(strength) if ends else None
            axes.plot(range(len(values)), values, color=shade, linewidth=1.2, label=label)
        axes.set(xlabel=f"channel of {study.after}", title=kind)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
        axes.legend(fontsize=8, frameon=False)
    np.atleast_1d(rows)[0].set(ylabel="mean |change| of the response", ylim=(0, None))
    lower.suptitle(
        f"response to ten strengths each: cosine {study.cosine_same_kind:.3f} within a kind, "
        f"{study.cosine_other_kind:.3f} between kinds",
        fontsize=10,
    )
    canvas.draw()
    return figure
