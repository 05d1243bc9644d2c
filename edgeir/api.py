"""The public functions, one for each stage: what ``import edgeir`` offers.

They are plain functions that live in the modules named below and are imported when they are first used, so that
``import edgeir`` takes milliseconds and works without torch. The command line calls the same functions.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeir.android.build import build_apk as build_apk
    from edgeir.benchmarking.publish import publish as publish
    from edgeir.benchmarking.quality.evaluate import evaluate as evaluate
    from edgeir.benchmarking.run import bench as bench
    from edgeir.benchmarking.study.run import study as study
    from edgeir.checkpoint.foreign.convert import import_weights as import_weights
    from edgeir.core.errors import EdgeIRError as EdgeIRError
    from edgeir.exporting.bundle.export import export_bundle as export_bundle
    from edgeir.exporting.bundle.verify import verify as verify
    from edgeir.exporting.inspect.run import inspect as inspect
    from edgeir.exporting.ladder.run import export_auto as export_auto
    from edgeir.exporting.lint.run import lint as lint
    from edgeir.exporting.run import export as export
    from edgeir.exporting.sensitivity import sensitivity as sensitivity
    from edgeir.fitting.run import fit as fit
    from edgeir.reporting.run import report as report
    from edgeir.restoring.photo import restore as restore
    from edgeir.runtime.loading import load as load
    from edgeir.training.run import distill as distill
    from edgeir.training.run import train as train

__all__ = [
    "EdgeIRError",
    "bench",
    "build_apk",
    "distill",
    "evaluate",
    "export",
    "export_auto",
    "export_bundle",
    "fit",
    "import_weights",
    "inspect",
    "lint",
    "load",
    "publish",
    "report",
    "restore",
    "sensitivity",
    "study",
    "train",
    "verify",
]

MODULES = {
    "EdgeIRError": "edgeir.core.errors",
    "bench": "edgeir.benchmarking.run",
    "build_apk": "edgeir.android.build",
    "distill": "edgeir.training.run",
    "evaluate": "edgeir.benchmarking.quality.evaluate",
    "export": "edgeir.exporting.run",
    "export_auto": "edgeir.exporting.ladder.run",
    "export_bundle": "edgeir.exporting.bundle.export",
    "fit": "edgeir.fitting.run",
    "import_weights": "edgeir.checkpoint.foreign.convert",
    "inspect": "edgeir.exporting.inspect.run",
    "lint": "edgeir.exporting.lint.run",
    "load": "edgeir.runtime.loading",
    "publish": "edgeir.benchmarking.publish",
    "report": "edgeir.reporting.run",
    "restore": "edgeir.restoring.photo",
    "sensitivity": "edgeir.exporting.sensitivity",
    "study": "edgeir.benchmarking.study.run",
    "train": "edgeir.training.run",
    "verify": "edgeir.exporting.bundle.verify",
}
"""Public name to the module that defines it."""


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return getattr(importlib.import_module(MODULES[name]), name)
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
