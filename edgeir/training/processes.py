"""Work in several processes: their errors arrive as what they are, and a request to stop reaches all of them.

PyTorch tells the starting process of a failed one only the text of its traceback. So each sends its error itself, and
the one that says what went wrong is raised: where one process ends, the others fail too, at their next exchange.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any, TypeVar

from lightning_fabric import Fabric
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from edgeir.core.errors import EdgeIRError, TrainingError
from edgeir.training.signals import stop_others

__all__ = ["launch"]

T = TypeVar("T")


def launch(fabric: Fabric, work: Callable[..., T], *arguments: Any) -> T:
    """Run ``work(fabric, *arguments)`` in processes that Fabric starts; what the first of them returns.

    Raises:
        EdgeIRError: what one of them raised. TrainingError: one was killed.
        OSError, MemoryError: what one of them raised, where none raised an `EdgeIRError`.
        KeyboardInterrupt: they ended before they could answer a request to stop.
    """
    errors: Any = multiprocessing.get_context("spawn").SimpleQueue()
    with stop_others() as asked:
        try:
            reporting: Callable[..., Any] = _reporting
            result: T = fabric.launch(reporting, work, errors, *arguments)
            return result
        except (ProcessRaisedException, ProcessExitedException) as failure:
            found: list[Exception] = []
            while not errors.empty():
                found.append(errors.get())
            found.sort(key=lambda error: not isinstance(error, EdgeIRError))
            if found:
                raise found[0] from None
            if asked():
                raise KeyboardInterrupt from None
            if isinstance(failure, ProcessExitedException):
                raise TrainingError(
                    f"a training process ended unexpectedly ({failure})",
                    fix="often memory was short: lower data.batch or --devices, then go on with --resume",
                ) from failure
            raise


def _reporting(fabric: Fabric, work: Callable[..., T], errors: Any, *arguments: Any) -> T:
    try:
        return work(fabric, *arguments)
    except (EdgeIRError, OSError, MemoryError) as error:
        errors.put(error)
        raise
