"""Ray Data: the photos are rows of a dataset, and each worker of the cluster, of one thread, has a session of its own.

Photos are read from and results written to a file system that all machines share, under the same paths; only paths
travel. The network's files are put into Ray's object store, once for each machine, and a machine that has them at the
same place reads them there.

Every photo is a task of its own, so the death of a worker repeats one photo, whose result is written whole or not at
all. The files are those of `edgeir.restoring.one_photo`, byte for byte those that one thread of such a processor writes
in this process.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from edgeir.core.config import Config
from edgeir.core.environment import versions
from edgeir.core.errors import ConfigError, DeviceError
from edgeir.core.files import output_errors
from edgeir.core.leftovers import tagged
from edgeir.core.progress import Progress
from edgeir.core.requires import require, require_installed
from edgeir.core.trust import code_is_trusted
from edgeir.restoring.engines.base import Network, Record
from edgeir.restoring.engines.ray_cluster import connected
from edgeir.restoring.engines.ray_worker import Desk, Reply, Task, Worker
from edgeir.restoring.engines.shipped_network import ShippedNetwork
from edgeir.restoring.jobs import Job
from edgeir.restoring.one_photo import OnePhoto

__all__ = ["Ray"]

LEAVE_S = 120.0
"""How long a run that is over waits for workers to leave their photos: as long as a tile and the writing of a large
photo may take."""


class Ray(Config):
    """Restore a folder on a Ray cluster."""

    kind: Literal["ray"] = "ray"
    address: str | None = None
    """Of a running cluster, ``host:port`` or ``auto``. Default: ``$RAY_ADDRESS``, else a cluster on this machine, for
    the time of the run."""
    workers: int | None = Field(default=None, ge=1)
    """Processes at once. Default: one for each core of the cluster."""

    def check(self, network: Network, *, several: bool) -> None:
        """See `Engine.check`."""
        if not several:
            raise ConfigError(
                ["a cluster restores folders, not a single photo"], fix="leave out --engine ray"
            )
        if network.threads != 1:
            raise ConfigError(
                [f"a worker of the cluster has one thread, not {network.threads}"],
                fix="choose the number of workers instead: --workers",
            )
        if not isinstance(network.model, (str, Path)):
            raise ConfigError(
                ["a loaded session cannot be sent to a cluster"], fix="pass the network's name or path"
            )
        if (self.address or "").startswith("ray://"):
            raise ConfigError(
                [f"`{self.address}` is an address of Ray Client, over which Ray Data is not run here"],
                fix="start edgeir on a machine of the cluster, with --ray-address auto",
            )
        require_installed("ray", "restoring on a cluster")

    def run(
        self, jobs: Sequence[Job], network: Network, one: OnePhoto, record: Record, progress: Progress
    ) -> None:
        """See `Engine.run`."""
        from edgeir.runtime.loading import located

        assert isinstance(network.model, (str, Path)), "see `check`"
        found = located(network.model, runtime=network.runtime, sigma=network.sigma)
        shipped, files = ShippedNetwork.of(found)
        progress(0, len(jobs), "waiting for the first worker")
        size = sum(len(content) for content in files.values())
        with (
            _marked(jobs[0].target.parent) as marker,
            connected(self.address, self.workers, size) as ray,
        ):
            task = Task(
                network=shipped,
                files=[ray.put(files)],
                runtime=network.runtime,
                sigma=network.sigma,
                trust=code_is_trusted(),
                one=one,
                desk=ray.remote(Desk).options(num_cpus=0, max_restarts=-1, max_task_retries=-1).remote(),
                photos=tuple(job.source for job in jobs[:3]),
                marker=marker,
                cwd=Path.cwd(),
                version=versions()["edgeir"],
            )
            replies = _Replies(_dataset(ray, jobs, task, self._workers(ray, len(jobs))), len(jobs))
            try:
                _follow(replies, jobs, record, progress)
            finally:
                _leave(ray, task.desk, replies, record)
                ray.kill(task.desk)

    def _workers(self, ray: Any, photos: int) -> int:
        cores = int(ray.cluster_resources().get("CPU", 0))
        if cores < 1:
            raise DeviceError(
                "the Ray cluster has no core to give", fix="start it with at least one: ray start --num-cpus"
            )
        return min(self.workers or cores, cores, photos)


@contextlib.contextmanager
def _marked(folder: Path) -> Iterator[Path]:
    """A file in the folder of the results, made if need be, that shows the workers that it is the same everywhere.

    Its name is that of a temporary file, so that one that a killed run has left is removed by the next.
    """
    made = not folder.exists()
    with tagged() as tag:
        marker = folder / f".ray.edgeir-{tag}.tmp"
        try:
            with output_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
                marker.touch()
            yield marker
        finally:
            marker.unlink(missing_ok=True)
            if made:
                with contextlib.suppress(OSError):
                    folder.rmdir()  # nothing was written


def _dataset(ray: Any, jobs: Sequence[Job], task: Task, workers: int) -> Any:
    """A row for each photo, a block for each row: Ray repeats blocks. A job is pickled: paths need not be text."""
    data = require("ray.data", "restoring on a cluster")
    context = data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = -1  # a large photo takes its time
    rows = [{"index": index, "job": pickle.dumps(job)} for index, job in enumerate(jobs)]
    with data.DataContext.current(context):
        dataset = data.from_items(rows, override_num_blocks=len(rows))
        pool = data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=1)
        return dataset.map(Worker, fn_constructor_args=(task,), compute=pool, num_cpus=1)


class _Replies:
    """The replies of the workers, gathered by a thread: Ctrl-C strikes the main one, and the rest still arrives."""

    def __init__(self, dataset: Any, count: int) -> None:
        self.missing = set(range(count))
        """Indices without a reply."""
        self._dataset = dataset
        self._queue: queue.SimpleQueue[Reply | BaseException | None] = queue.SimpleQueue()
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._gather, name="edgeir_replies", daemon=True)
        self._thread.start()

    def next(self, timeout: float | None = None) -> Reply | None:
        """The next one; None at their end.

        Raises:
            queue.Empty: none came within `timeout` seconds.
            DeviceError: the cluster failed.
        """
        item = self._queue.get(timeout=timeout)
        if isinstance(item, BaseException):
            raise _as_device_error(item) from item
        if item is not None:
            self.missing.discard(item.index)
        return item

    def end(self) -> None:
        """Stop the dataset at its next reply, and its workers."""
        self._enough.set()
        self._thread.join(timeout=10)

    def _gather(self) -> None:
        rows: Any = None
        try:
            rows = iter(self._dataset.iter_rows())
            for row in rows:
                self._queue.put(pickle.loads(row["reply"]))  # noqa: S301 - a worker of this run wrote it
                if self._enough.is_set():
                    break
        except BaseException as error:
            self._queue.put(error)
        finally:
            if hasattr(rows, "close"):
                rows.close()
            self._queue.put(None)


def _follow(replies: _Replies, jobs: Sequence[Job], record: Record, progress: Progress) -> None:
    count, done = len(jobs), 0
    while (reply := replies.next()) is not None:
        if reply.error is not None:
            raise reply.error
        _note(reply, record)
        done += 1
        progress(done, count, f"{done} of {count} images: {jobs[reply.index].source.name}")
    if replies.missing:
        raise DeviceError(
            f"the Ray cluster ended with {len(replies.missing)} of {count} images not tried",
            fix="run it again with --skip-existing",
        )
    progress(count, count, "done")


def _note(reply: Reply, record: Record) -> None:
    if reply.outcome is not None:
        record.loaded(reply.name, reply.runtime)
        record.tried(reply.index, reply.outcome)


def _leave(ray: Any, desk: Any, replies: _Replies, record: Record) -> None:
    """End the run: the workers leave the photos that they are at, and what they had finished is recorded."""
    if replies.missing:
        with contextlib.suppress(queue.Empty, DeviceError, *_errors_of(ray)):
            begun = set(ray.get(desk.stop.remote(), timeout=LEAVE_S))
            until = time.monotonic() + LEAVE_S
            while begun & replies.missing:
                reply = replies.next(timeout=max(0.0, until - time.monotonic()))
                if reply is None:
                    break
                _note(reply, record)
    replies.end()


def _errors_of(ray: Any) -> tuple[type[Exception], ...]:
    return (ray.exceptions.RayError,)


def _as_device_error(error: BaseException) -> DeviceError:
    text = " ".join(str(error).split())
    if "No module named 'edgeir'" in text:
        return DeviceError(
            "edgeir is not installed on a machine of the Ray cluster",
            fix="install it on each, in the same version and with the extras that the network needs",
        )
    return DeviceError(
        f"the Ray cluster failed: {type(error).__name__}: {text[:400]}",
        fix="go on with --skip-existing when it works again",
    )
