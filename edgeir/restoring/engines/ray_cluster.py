"""A Ray cluster, without Ray's own messages: a running one, or one on this machine for the time of the run."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from edgeir.core.environment import available_cores
from edgeir.core.errors import DeviceError
from edgeir.core.requires import require
from edgeir.runtime.quiet import native_silenced

__all__ = ["connected"]

SILENT = {
    "RAY_USAGE_STATS_ENABLED": "0",  # sends nothing anywhere
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
LOGGERS = ("ray", "ray.data")
LISTENER = "ray_listen_error_messages"
"""The thread in which Ray prints what happens in the cluster, such as the death of a worker that it replaces."""

STORE_BYTES = 128 << 20
"""Object store of a cluster on this machine, beside twice the network: nothing else goes through it. Ray's own choice
is a third of the memory."""

KNOCK_S = 10.0


@contextlib.contextmanager
def connected(address: str | None, workers: int | None, network_bytes: int) -> Iterator[Any]:
    """Yield the module `ray`, connected.

    Args:
        address: of a running cluster; by default ``$RAY_ADDRESS``, and without that a cluster is started on this
            machine and ended afterwards. A program that has connected already stays as it is.
        workers: processes of a cluster on this machine; by default one for each core.

    Raises:
        MissingExtraError: Ray is not installed.
        DeviceError: the cluster cannot be reached or started.
    """
    with _silent():
        ray = require("ray", "restoring on a cluster")
        require("ray.data", "restoring on a cluster")
        with _loggers_silent():
            if ray.is_initialized():
                yield ray
                return
            address = address or os.environ.get("RAY_ADDRESS") or "local"
            own = address == "local"
            _start(ray, address, (workers or available_cores()) if own else None, network_bytes)
            try:
                session = _session_folder(ray) if own else None
                yield ray
            finally:
                ray.shutdown()
                if own and session is not None:
                    shutil.rmtree(session, ignore_errors=True)


def _start(ray: Any, address: str, cores: int | None, network_bytes: int) -> None:
    size = {} if cores is None else {"object_store_memory": STORE_BYTES + 2 * network_bytes}
    before = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        with native_silenced():
            ray.init(
                address=address,
                num_cpus=cores,
                include_dashboard=False if cores is not None else None,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                **size,
            )
    except (OSError, RuntimeError, ValueError, TimeoutError) as error:
        reason = " ".join(str(error).split())[:300]
        if cores is not None:
            raise DeviceError(
                f"a Ray cluster cannot be started: {reason}", fix="its log is in /tmp/ray"
            ) from error
        raise DeviceError(
            f"the Ray cluster cannot be reached: {reason}",
            where=address,
            fix="check the address, or start it: ray start --head",
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray takes it over


def _knock(address: str) -> None:
    """Raise `OSError` where nobody listens at ``host:port``: Ray itself goes on trying for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()


def _session_folder(ray: Any) -> Path | None:
    """Ray's logs and sockets of this cluster, which it leaves behind."""
    sockets = Path(ray.nodes()[0]["ObjectStoreSocketName"]).parent
    folder = sockets.parent
    return folder if sockets.name == "sockets" and folder.name.startswith("session_") else None


class _WithoutListener(io.TextIOBase):
    """A stream that one thread cannot write to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread().name == LISTENER:
            return len(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """The environment and the standard output; what is set already is the user's wish."""
    added = [name for name in SILENT if name not in os.environ]
    os.environ.update({name: SILENT[name] for name in added})
    try:
        with contextlib.redirect_stdout(_WithoutListener(sys.stdout)):
            yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _loggers_silent() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
