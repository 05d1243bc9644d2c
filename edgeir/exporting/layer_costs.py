"""What keeping each layer of an int8 file in float costs: a file for each, all timed in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeir.core.errors import EdgeIRError, MissingExtraError
from edgeir.core.files import scratch_dir
from edgeir.core.progress import Progress, no_progress
from edgeir.exporting.ladder.candidates import Candidate, with_plan
from edgeir.exporting.ladder.run import Timer
from edgeir.exporting.profile import read_profile
from edgeir.exporting.run import export_network
from edgeir.exporting.sensitivity import Sensitivity
from edgeir.manifest.card import Card
from edgeir.quantize.plan import PLANS, LayerFormat, QuantizationPlan

__all__ = ["with_costs"]


def with_costs(
    found: Sensitivity,
    network: Any,
    card: Card,
    *,
    target: str,
    timer: Timer,
    size: tuple[int, int] | None = None,
    calibration: str | Path | None = None,
    progress: Progress = no_progress,
) -> Sensitivity:
    """The same figures with the time that each layer adds in float.

    Args:
        target: a format whose files are timed here.
        size: of the files, where the format has fixed sizes.

    Raises:
        ExportError: the network cannot be written as int8 in this format.
    """
    int8 = PLANS["int8"].default
    profile = read_profile(f"{target}-int8")
    plain = Candidate(f"{target}-int8", profile, f"{target}-int8", network, card)
    plans = {"": QuantizationPlan(default=int8)} | {
        layer.layer: QuantizationPlan(default=int8, layers={layer.layer: LayerFormat()})
        for layer in found.layers
    }
    folders: dict[str, Path] = {}
    with scratch_dir("layer-costs") as scratch:
        for number, (layer, plan) in enumerate(plans.items()):
            progress(number, len(plans) + 1, f"{layer or 'all layers in int8'}")
            candidate = with_plan(plain, plan, layer)
            try:
                export_network(
                    network, card, candidate.profile, out=scratch / str(number), name=plain.profile_name,
                    sizes=[] if size is None else [size], calibration=calibration, golden=False, refuse=False,
                )  # fmt: skip
            except MissingExtraError:
                raise
            except EdgeIRError:
                if not layer:
                    raise
                continue  # this layer cannot stay in float: it makes the output, or is merged into another
            folders[layer] = scratch / str(number)
        progress(len(plans), len(plans) + 1, "timing")
        timed_on, times = timer(list(folders.values()))
    # A timer that counts instructions has no milliseconds, and leaves the figures out.
    timed = zip(folders, times, strict=True)
    median = {layer: time.p50_ms for layer, time in timed if time.p50_ms is not None}
    layers = tuple(
        layer.model_copy(update={"float_ms": median[layer.layer] - median[""]})
        if layer.layer in median
        else layer
        for layer in found.layers
    )
    return found.model_copy(update={"layers": layers, "timed_on": timed_on})
