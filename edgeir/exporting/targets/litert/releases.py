"""The oldest LiteRT that runs a file: by the versions of its operators, and by what was run."""

from __future__ import annotations

from edgeir.exporting.targets.litert.passes.graph import Graph
from edgeir.exporting.targets.litert.passes.stamps import min_runtime_version
from edgeir.manifest.artifact import RuntimeNeeds

__all__ = ["MEASURED_NETWORKS", "MEASURED_PRECISIONS", "OLDEST_MEASURED", "needs_of"]

OLDEST_MEASURED = "2.14.0"
"""The oldest release on which files of the networks and precisions below were run and were right, as were newer ones
(`benchmarks/old_runtimes.py`). It is the oldest with a wheel for Python 3.11, so files may run on older ones too."""
_NETWORKS = (
    "aod-net arcnn danet danet-autoencoder dncnn edsr fdr-net ffdnet multiscale-denoiser plainsr ppcn-enhance ppcn-sr"
    " ppdn rcan srcnn"
)
MEASURED_NETWORKS = frozenset(_NETWORKS.split())
MEASURED_PRECISIONS = frozenset(["fp32", "fp16", "int8"])


def needs_of(graph: Graph, network: str, precision: str) -> RuntimeNeeds:
    """What a runtime has to know to run the graph.

    Args:
        network: the kind of its configuration; others than the measured ones may hold operators that were not tried.
        precision: short name of the plan.
    """
    stated = min_runtime_version(graph)
    measured = network in MEASURED_NETWORKS and precision in MEASURED_PRECISIONS
    return RuntimeNeeds(
        stamp=f"min_runtime_version {stated or 'unknown'}",
        runtime="tflite-runtime",
        stated=stated,
        measured=OLDEST_MEASURED if measured else None,
    )
