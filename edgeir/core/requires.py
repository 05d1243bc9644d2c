"""Import an optional package, or say exactly what to install."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from edgeir.core.errors import MissingExtraError
from edgeir.core.extras import extra_of

__all__ = ["missing_extra", "require", "require_installed"]


def require(module: str, purpose: str) -> ModuleType:
    """Import `module` (dotted) for `purpose`.

    Raises:
        MissingExtraError: its top-level package is not installed; the message has the ``pip install`` line.
    """
    top = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != top:
            raise
        raise MissingExtraError(top, extra_of(top) or "all", purpose) from error


def require_installed(module: str, purpose: str) -> None:
    """Like `require`, for a top-level package that only a process of its own imports.

    Raises:
        MissingExtraError: it is not installed.
    """
    if importlib.util.find_spec(module) is None:
        raise MissingExtraError(module, extra_of(module) or "all", purpose)


def missing_extra(error: ModuleNotFoundError, purpose: str) -> MissingExtraError | None:
    """The error that a user can act on, where `error` is about a package of an extra; else None."""
    top = (error.name or "").partition(".")[0]
    extra = extra_of(top) if top else None
    return None if extra is None else MissingExtraError(top, extra, purpose)
