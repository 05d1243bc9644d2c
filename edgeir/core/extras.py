"""The extras of edgeir, read from the metadata of the installed package: ``pyproject.toml`` is where they are written.

Nothing else repeats them: error messages that name a ``pip install`` line, `edgeir doctor` and the versions in a
result all derive from here.
"""

from __future__ import annotations

import functools
import importlib.metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["base_distributions", "extra_of", "extras", "installed_version", "missing_extras"]

_NOT_FOR_USERS = frozenset({"all", "dev"})
_IMPORTED_AS = {"sklearn": "scikit-learn", "skimage": "scikit-image", "tensorflow": "tensorflow-cpu"}
"""Import names that are not their distribution's; all others differ in `_` and `-` only."""


@functools.cache
def _requirements() -> tuple[Requirement, ...]:
    try:
        lines = importlib.metadata.requires("edgeir") or []
    except importlib.metadata.PackageNotFoundError:  # a source tree that was never installed
        lines = []
    return tuple(Requirement(line) for line in lines)


def base_distributions() -> list[str]:
    """The distributions that every installation has, sorted."""
    return sorted(canonicalize_name(entry.name) for entry in _requirements() if entry.marker is None)


def extras() -> dict[str, tuple[str, ...]]:
    """Every extra that a user may want, with all distributions that it installs; sorted."""
    distributions: dict[str, set[str]] = {}
    for entry in _requirements():
        if entry.marker is None:
            continue
        for extra in _names():
            if entry.marker.evaluate({"extra": extra}):
                distributions.setdefault(extra, set()).add(canonicalize_name(entry.name))
    return {name: tuple(sorted(distributions[name])) for name in sorted(distributions)}


@functools.cache
def _names() -> tuple[str, ...]:
    try:
        names = importlib.metadata.metadata("edgeir").get_all("Provides-Extra") or []
    except importlib.metadata.PackageNotFoundError:
        names = []
    return tuple(name for name in names if name not in _NOT_FOR_USERS)


def extra_of(module: str) -> str | None:
    """The smallest extra that installs an import name (``ai_edge_litert``) or a distribution; None: no extra does."""
    name = canonicalize_name(_IMPORTED_AS.get(module, module))
    sizes = {extra: len(brings) for extra, brings in extras().items() if name in brings}
    return min(sizes, key=lambda extra: (sizes[extra], extra)) if sizes else None


def installed_version(distribution: str) -> str | None:
    """The version of a distribution; None where it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def missing_extras() -> dict[str, list[str]]:
    """Each extra that is not complete, and the distributions that it lacks."""
    missing = {
        extra: [name for name in brings if installed_version(name) is None]
        for extra, brings in extras().items()
    }
    return {extra: names for extra, names in missing.items() if names}
