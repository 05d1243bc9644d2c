"""What an engine is given and what it must do: every photo tried once, its outcome recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgeir.core.progress import Progress
from edgeir.restoring.jobs import Job
from edgeir.restoring.one_photo import OnePhoto, Outcome

if TYPE_CHECKING:
    from edgeir.runtime.session import Session

__all__ = ["Engine", "Network", "Record"]


@dataclass(frozen=True)
class Network:
    """The network of a run, not loaded yet."""

    model: str | Path | Session
    """A name or a path, or a session that the caller has loaded and closes."""
    runtime: str = "auto"
    threads: int = 1
    sigma: float | None = None

    def load(self) -> Session:
        """The session; errors as for `edgeir.load`."""
        if not isinstance(self.model, (str, Path)):
            return self.model
        from edgeir.runtime.loading import load

        return load(self.model, runtime=self.runtime, threads=self.threads, sigma=self.sigma)


class Record(Protocol):
    """Where an engine notes what happened, as soon as it knows."""

    def loaded(self, name: str, runtime: str) -> None:
        """The network is loaded: its name and its runtime, as a `Session` says them."""
        ...

    def tried(self, index: int, outcome: Outcome) -> None:
        """The photo of this index was restored, or cannot be."""
        ...


class Engine(Protocol):
    """Where the photos of a run are restored. A frozen configuration with a `kind`, see `AnyEngine`."""

    def check(self, network: Network, *, several: bool) -> None:
        """Raise `ConfigError` or `MissingExtraError` where this engine cannot do such a run. Nothing is started.

        Args:
            several: it is a folder that is restored.
        """
        ...

    def run(
        self, jobs: Sequence[Job], network: Network, one: OnePhoto, record: Record, progress: Progress
    ) -> None:
        """Do every job with `one`, in any order, and record each outcome.

        An error that `one` raises ends the run and is raised; jobs without an outcome count as not tried, and leave
        nothing behind. The same holds for Ctrl-C.
        """
        ...
