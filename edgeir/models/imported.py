"""Networks of other packages, by import path: ``package.module:function``.

Importing a module and calling its function runs its author's code, so both need the user's permission
(`edgeir.core.trust`); edgeir's own networks, classes below `edgeir.models`, do not. Modules are looked for where Python
looks, and last in the working directory.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import PathFinder
from typing import Annotated, Any

from pydantic import Field
from torch import nn

from edgeir.core.errors import ConfigError, EdgeIRError
from edgeir.core.trust import require_trust

__all__ = ["ImportPath", "import_factory", "imported_module"]

ImportPath = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
"""``package.module:callable``."""

_OWN = "edgeir.models."


def import_factory(path: str, *, where: str) -> Callable[..., object]:
    """Import the function or class that `path` names.

    Args:
        path: an `ImportPath`.
        where: the key of the configuration, for the error.

    Raises:
        UntrustedCodeError: it belongs to another package, and the user has not allowed to run its code.
        ConfigError: it cannot be imported, or is not callable.
    """
    module, _, name = path.partition(":")
    if not module.startswith(_OWN):
        require_trust(f"`{path}`{_origin(module)} is code of another package", where=where)
        if (here := os.getcwd()) not in sys.path:
            sys.path.append(here)
    try:
        factory: object = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        hint = "install its package, or run edgeir in its folder" if isinstance(error, ImportError) else None
        raise ConfigError([f"`{path}` cannot be imported: {error}"], where=where, fix=hint) from error
    except Exception as error:  # whatever somebody else's code raises
        raise ConfigError([f"`{path}` cannot be imported: {_reason(error)}"], where=where) from error
    if not callable(factory):
        raise ConfigError([f"`{path}` is {type(factory).__name__}, which cannot be called"], where=where)
    if module.startswith(_OWN) and not (isinstance(factory, type) and issubclass(factory, nn.Module)):
        require_trust(f"`{path}` is no network of edgeir", where=where)
    return factory


def imported_module(path: str, arguments: Mapping[str, Any], *, where: str) -> nn.Module:
    """The module that the function returns for these keyword arguments.

    Raises:
        UntrustedCodeError, ConfigError: as for `import_factory`; or the call fails or returns something else.
    """
    factory = import_factory(path, where=where)
    try:
        network = factory(**arguments)
    except EdgeIRError:
        raise
    except Exception as error:  # whatever somebody else's code raises
        given = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        how = f"with {given}" if given else "without arguments"
        raise ConfigError(
            [f"`{path}` cannot be called {how}: {_reason(error)}"],
            where=where,
            fix="name a function that returns a torch.nn.Module for these arguments",
        ) from error
    if not isinstance(network, nn.Module):
        raise ConfigError([f"`{path}` returned {type(network).__name__}, not a torch.nn.Module"], where=where)
    return network


def _origin(module: str) -> str:
    """`` (FILE)``: where the package lies, found without running any of its code; empty where it is not known."""
    top = module.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top) or PathFinder.find_spec(top, [os.getcwd()])
    except (ImportError, ValueError):
        return ""
    origin = None if spec is None else spec.origin or next(iter(spec.submodule_search_locations or ()), None)
    return f" ({origin})" if origin and origin not in ("built-in", "frozen") else ""


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
