"""Permission to run third-party code that a recipe, a checkpoint or a file names.

A network of another package (``kind: module``) is imported and called, and reading a `torch.export` program (``.pt2``)
may unpickle objects: both run whatever their author wrote. edgeir does so only inside `trusting_code`, which the option
``--trust-code`` and the argument ``trust_code=True`` of the public functions open. Where code would run,
`require_trust` is called first.

The permission belongs to the thread of control (a context variable). A process that edgeir starts does not inherit it
and is given it explicitly.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from edgeir.core.errors import UntrustedCodeError

__all__ = ["code_is_trusted", "honours_trust", "require_trust", "trusting_code"]

P = ParamSpec("P")
R = TypeVar("R")

_TRUSTED: ContextVar[bool] = ContextVar("edgeir_code_is_trusted", default=False)


def code_is_trusted() -> bool:
    """Whether third-party code may run here."""
    return _TRUSTED.get()


@contextlib.contextmanager
def trusting_code(trust: bool = True) -> Iterator[None]:
    """Inside the block, third-party code may run; with `trust` False the block changes nothing."""
    token = _TRUSTED.set(trust or _TRUSTED.get())
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def require_trust(what: str, *, where: object | None = None) -> None:
    """Call this before third-party code runs.

    Args:
        what: what would run, as the start of a sentence: "`package.module:function` is code of another package".
        where: the file or key that asks for it.

    Raises:
        UntrustedCodeError: the user has not allowed it.
    """
    if not _TRUSTED.get():
        raise UntrustedCodeError(what, where=where)


def honours_trust(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a function with a keyword argument `trust_code`: it runs inside `trusting_code(trust_code)`."""

    @functools.wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with trusting_code(bool(kwargs.get("trust_code", False))):
            return function(*args, **kwargs)

    return inside
