"""How a training treats the process that it runs in: signals that ask it to stop, and what Fabric would print."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["quiet_lightning", "stop_others", "stop_requests"]


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C and SIGTERM into a request that the loop answers after the current step.

    A second Ctrl-C interrupts at once.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def handle(number: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    with _handling(handle):
        yield asked.is_set


@contextmanager
def stop_others() -> Iterator[Callable[[], bool]]:
    """Let the processes that this one has started answer Ctrl-C and SIGTERM, and wait for them; whether there was one.

    A terminal sends Ctrl-C to all of them; SIGTERM comes to this process alone and is handed on. A second Ctrl-C
    interrupts at once.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def handle(number: int, frame: object) -> None:
        if number == signal.SIGTERM:
            for process in multiprocessing.active_children():
                process.terminate()
        elif asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    with _handling(handle):
        yield asked.is_set


@contextmanager
def _handling(handle: Callable[[int, object], None]) -> Iterator[None]:
    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Fabric announces devices and warns about dataloaders that edgeir does not use, PyTorch tells which process it
    ends after another's error: keep both to errors."""
    names = ("lightning_fabric", "lightning.fabric", "lightning_utilities", "torch.multiprocessing.spawn")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning_fabric.*")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
