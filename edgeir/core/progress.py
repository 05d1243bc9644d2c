"""How long-running library functions report progress without printing: a callback that `cli` draws."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "no_progress"]


class Progress(Protocol):
    """Called with the work done so far, the total (same unit) and a short description of the current item."""

    def __call__(self, done: float, total: float, label: str) -> None: ...


def no_progress(done: float, total: float, label: str) -> None:
    """The default: say nothing."""
