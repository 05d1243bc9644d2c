"""One photo after the other, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from edgeir.core.config import Config
from edgeir.core.progress import Progress
from edgeir.restoring.engines.base import Network, Record
from edgeir.restoring.jobs import Job
from edgeir.restoring.one_photo import OnePhoto

__all__ = ["Local"]


class Local(Config):
    """Restore in this process."""

    kind: Literal["local"] = "local"

    def check(self, network: Network, *, several: bool) -> None:
        """See `Engine.check`: any run."""

    def run(
        self, jobs: Sequence[Job], network: Network, one: OnePhoto, record: Record, progress: Progress
    ) -> None:
        """See `Engine.run`."""
        session = network.load()
        record.loaded(session.name, session.runtime)
        try:
            for index, job in enumerate(jobs):
                step = _counted(progress, index, len(jobs), job.source.name) if one.several else progress
                record.tried(index, one(job, session, step))
            if one.several:
                progress(len(jobs), len(jobs), "done")
        finally:
            if session is not network.model:
                session.close()


def _counted(progress: Progress, index: int, count: int, name: str) -> Progress:
    """The progress of one image as a part of all."""

    def report(done: float, total: float, label: str) -> None:
        progress(index + done / total, count, f"image {min(index + 1, count)} of {count}: {name}")

    return report
