"""Work in several processes: their errors arrive as what they are, and a request to stop reaches all of them.

PyTorch tells the starting process of a failed one only the text of its traceback. So each sends its error itself, and
the one that says what went wrong is raised: where one process ends, the others fail too, at their next exchange.
PyTorch also takes a process that Ctrl-C ended for one that has finished, and Fabric then waits for its result for ever;
here it ends with an exit code.
"""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from edgeir.core.errors import EdgeIRError, TrainingError
from edgeir.core.files import scratch_dir
from edgeir.training.signals import quiet_lightning, stop_others

__all__ = ["Processes", "launch"]

T = TypeVar("T")

INTERRUPTED = 128 + 2
"""Exit code of a process that Ctrl-C ended."""


class Processes(DDPStrategy):
    """Data-parallel training in new processes of this machine, which print nothing while they find each other."""

    def __init__(self) -> None:
        super().__init__(start_method="spawn")

    def setup_environment(self) -> None:
        """The first thing that each process does."""
        with quiet_lightning(), _ended_by_ctrl_c():
            super().setup_environment()


def launch(fabric: Fabric, work: Callable[..., T], data: tuple[Any, ...], *arguments: Any) -> T:
    """Run ``work(fabric, *data, *arguments)`` in the processes of a `Processes` strategy.

    Args:
        data: goes to the processes in a file. Sent through their pipe, it would block this process for ever where one
            of them ends before it has read all.
        arguments: a few that have to be inherited, such as locks and queues.

    Returns:
        what the first process returns.

    Raises:
        EdgeIRError: what one of them raised. TrainingError: one was killed.
        OSError, MemoryError: what one of them raised, where none raised an `EdgeIRError`.
        KeyboardInterrupt: they ended before they could answer a request to stop.
    """
    errors: Any = multiprocessing.get_context("spawn").SimpleQueue()
    with stop_others() as asked:
        try:
            with scratch_dir("training") as folder:
                file = folder / "data.pickle"
                file.write_bytes(pickle.dumps((work, data)))
                reporting: Callable[..., Any] = _reporting
                result: T = fabric.launch(reporting, file, errors, *arguments)
                return result
        except (ProcessRaisedException, ProcessExitedException) as failure:
            found: list[Exception] = []
            while not errors.empty():
                found.append(errors.get())
            found.sort(key=lambda error: not isinstance(error, EdgeIRError))
            if found:
                raise found[0] from None
            if asked() or getattr(failure, "exit_code", None) == INTERRUPTED:
                raise KeyboardInterrupt from None
            if isinstance(failure, ProcessExitedException):
                raise TrainingError(
                    f"a training process ended unexpectedly ({failure})",
                    fix="often memory was short: lower data.batch or --devices, then go on with --resume",
                ) from failure
            raise


def _reporting(fabric: Fabric, file: Path, errors: Any, *arguments: Any) -> Any:
    try:
        with _ended_by_ctrl_c():
            work, data = pickle.loads(file.read_bytes())  # noqa: S301 - the starting process wrote it
            return work(fabric, *data, *arguments)
    except (EdgeIRError, OSError, MemoryError) as error:
        errors.put(error)
        raise


@contextmanager
def _ended_by_ctrl_c() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
