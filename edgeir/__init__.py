"""edgeir: distil an image-restoration network into one that runs on a phone, export it, and prove it is still good.

Every stage is one function (and one command of the same name)::

    import edgeir

    run = edgeir.distill("super-resolution/demo", out="runs/demo")
    artifact = edgeir.export("sr-x4", target="tflite", precision="int8", sizes=[(180, 320)], out="out/int8")
    edgeir.restore("photo.jpg", "photo-x4.png", model="sr-x4", threads=2)

Nothing is imported before it is used: ``import edgeir`` takes milliseconds and works without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeir.api import (
        EdgeIRError,
        bench,
        build_apk,
        distill,
        evaluate,
        export,
        export_auto,
        export_bundle,
        fit,
        import_weights,
        inspect,
        lint,
        load,
        publish,
        report,
        restore,
        sensitivity,
        study,
        train,
        verify,
    )

    __version__: str

__all__ = [
    "EdgeIRError",
    "__version__",
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


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("edgeir")
    if name in __all__:
        from edgeir import api

        return getattr(api, name)
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
