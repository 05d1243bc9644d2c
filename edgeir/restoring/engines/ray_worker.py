"""What runs in the processes of a Ray cluster: workers with a session of one thread each, and the desk that they ask.

A worker may be killed at any time (its machine is switched off, memory was short). Ray starts another and hands it the
photo once more. The desk counts how often a photo was begun, so that one that kills every worker does not go round for
ever, and tells the workers when the run is over, so that they leave a photo between two tiles and remove what they have
written of it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import platform
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeir.core.environment import versions
from edgeir.core.errors import DeviceError, EdgeIRError
from edgeir.core.progress import no_progress
from edgeir.core.requires import require
from edgeir.core.trust import trusting_code
from edgeir.restoring.engines.base import Network
from edgeir.restoring.engines.shipped_network import ShippedNetwork
from edgeir.restoring.jobs import Job
from edgeir.restoring.one_photo import OnePhoto, Outcome
from edgeir.restoring.report import FailedPhoto

__all__ = ["Desk", "Reply", "Task", "Worker"]

TRIES = 3
"""A photo whose worker was killed this often is given up."""

ASK_EVERY_S = 0.5
"""Between two questions, during a photo, whether the run is over."""


@dataclass(frozen=True)
class Task:
    """All that a worker gets, once."""

    network: ShippedNetwork
    files: Any
    """A list with the reference to the network's files in the object store; inside a list Ray leaves it alone."""
    runtime: str
    sigma: float | None
    trust: bool
    one: OnePhoto
    desk: Any
    photos: tuple[Path, ...]
    """Some of them, and a file in the folder of the results: by them a worker knows that it sees the same folders."""
    marker: Path
    cwd: Path
    """What relative paths are relative to."""
    version: str
    """Of edgeir."""


@dataclass(frozen=True)
class Reply:
    """What a worker says of one photo: its outcome, an error that ends the run, or neither: it was not tried."""

    index: int
    outcome: Outcome | None = None
    error: BaseException | None = None
    name: str = ""
    """Of the session, and its runtime."""
    runtime: str = ""


class Desk:
    """What all workers of one run know; a Ray actor."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()
        self._over = False

    def begin(self, index: int) -> int:
        """How often this photo was begun, now included; 0 if it must not be."""
        if self._over:
            return 0
        self._begun[index] += 1
        return self._begun[index]

    def over(self) -> bool:
        """Whether the run is over."""
        return self._over

    def stop(self) -> list[int]:
        """End the run; the photos that were begun."""
        self._over = True
        return list(self._begun)


class _OverError(Exception):
    """The run is over, in the middle of a photo."""


class Worker:
    """Restores one photo after the other; Ray Data calls it with the rows of a dataset."""

    def __init__(self, task: Task) -> None:
        self._ray = require("ray", "restoring on a cluster")
        self._task = task
        self._asked = 0.0
        self._undo = contextlib.ExitStack()
        self._problem: BaseException | None = None
        try:
            self._session = self._load()
        except Exception as error:  # a reply carries it to the user; raised here it would arrive as Ray's
            self._problem = error

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row is the index of a photo and its pickled `Job`; the result a pickled `Reply`."""
        index = int(row["index"])
        reply = self._reply(index, pickle.loads(row["job"]))  # noqa: S301 - the starting process wrote it
        try:
            packed = pickle.dumps(reply)
        except Exception:  # a library's exception may hold what cannot be sent
            error = RuntimeError(f"{type(reply.error).__name__}: {reply.error}")
            packed = pickle.dumps(Reply(index, error=error))
        return {"reply": packed}

    def _load(self) -> Any:
        task = self._task
        here, there = versions()["edgeir"], task.version
        if here != there:
            raise DeviceError(
                f"has edgeir {here}, and the run was started with {there}",
                where=platform.node(),
                fix="install the same version on every machine of the cluster",
            )
        if task.cwd.is_dir():
            os.chdir(task.cwd)
        for files in (task.photos, (task.marker,)):
            if not any(os.path.lexists(path) for path in files):
                raise DeviceError(
                    f"the machine {platform.node()} of the cluster does not see what lies in this folder",
                    where=files[0].parent,
                    fix="photos and results lie on a file system that all machines share, under the same path",
                )
        reference = task.files[0]
        path = self._undo.enter_context(task.network.unpacked(lambda: self._ray.get(reference)))
        with trusting_code(task.trust):
            return Network(path, task.runtime, threads=1, sigma=task.sigma).load()

    def _reply(self, index: int, job: Job) -> Reply:
        tries = self._ray.get(self._task.desk.begin.remote(index))
        if tries == 0:
            return Reply(index)
        if self._problem is not None:
            return Reply(index, error=self._problem)
        name, runtime = self._session.name, self._session.runtime
        if tries > TRIES:
            problem = EdgeIRError(
                f"the worker that restored it was killed {TRIES} times",
                where=job.source,
                fix="often memory was short: fewer --workers, or a smaller --tile",
            )
            return Reply(index, FailedPhoto(input=job.source, error=str(problem)), None, name, runtime)
        try:
            outcome = self._task.one(job, self._session, self._watch)
        except _OverError:
            return Reply(index)
        except Exception as error:
            return Reply(index, error=error)
        return Reply(index, outcome, None, name, runtime)

    def _watch(self, done: float, total: float, label: str) -> None:
        """The progress of a photo: the moment to leave it."""
        no_progress(done, total, label)
        now = time.monotonic()
        if now - self._asked < ASK_EVERY_S:
            return
        self._asked = now
        if self._ray.get(self._task.desk.over.remote()):
            raise _OverError
