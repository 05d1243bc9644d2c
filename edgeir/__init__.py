"""edgeir: distil an image-restoration network into one that runs on a phone, export it, and prove it is still good.

Every stage is one function (and one command of the same name)::

    import edgeir

    run = edgeir.distill("super-resolution/demo", out="runs/demo")
    artifact = edgeir.export("sr-x4", target="tflite", precision="int8", sizes=[(180, 320)], out="out/int8")
    edgeir.restore("photo.jpg", "photo-x4.png", model="sr-x4", threads=2)

Nothing is imported before it is used, so that ``import edgeir`` takes milliseconds and works without torch.

`train`, `distill`, `export`, `bench`, `report` and `restore` are verbs here and the names of packages as well.
Both hold: the attribute is the package, and calling it calls the stage's function.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeir.bench.evaluate import evaluate as evaluate
    from edgeir.bench.run import bench as bench
    from edgeir.core.errors import EdgeIRError as EdgeIRError
    from edgeir.export.run import export as export
    from edgeir.report.run import report as report
    from edgeir.restore.photo import restore as restore
    from edgeir.runtime import load as load
    from edgeir.train.run import distill as distill
    from edgeir.train.run import train as train

    __version__: str

__all__ = [
    "EdgeIRError",
    "__version__",
    "bench",
    "distill",
    "evaluate",
    "export",
    "load",
    "report",
    "restore",
    "train",
]

_VERBS = {
    "bench": "edgeir.bench.run",
    "distill": "edgeir.train.run",
    "export": "edgeir.export.run",
    "report": "edgeir.report.run",
    "restore": "edgeir.restore.photo",
    "train": "edgeir.train.run",
}
"""Packages that can be called, and the module that holds the function of the same name."""

_NAMES = {
    "EdgeIRError": "edgeir.core.errors",
    "evaluate": "edgeir.bench.evaluate",
    "load": "edgeir.runtime",
}


class _Verb(ModuleType):
    """A package that is a stage as well: calling it calls the stage's function."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = self.__name__.rpartition(".")[2]
        return getattr(importlib.import_module(_VERBS[name]), name)(*args, **kwargs)


class _Edgeir(ModuleType):
    """This module: makes a stage's package callable when the import system binds it here."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in _VERBS and isinstance(value, ModuleType):
            value.__class__ = _Verb
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Edgeir


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("edgeir")
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
