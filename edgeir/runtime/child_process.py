"""How a Python process is started that runs a model file beside this one, and how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

__all__ = ["NO_WINDOW", "can_start", "command", "ending", "environment", "killed_after"]

NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""`creationflags` of the process."""


def can_start() -> bool:
    """False in an application that was frozen into one program: it would start itself."""
    return not getattr(sys, "frozen", False) and bool(sys.executable)


def command(script: Path, *arguments: str, python: str | None = None) -> list[str]:
    """The command line that runs `script` with this Python, or `python`, without the script's folder in its path."""
    return [python or sys.executable, "-P", str(script), *arguments]


def environment(*, python: str | None = None, **more: str) -> dict[str, str]:
    """Variables of a process that sees the modules that this one sees, or, of another `python`, its own alone."""
    path = "" if python else os.pathsep.join(entry for entry in sys.path if entry)
    return {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **more}


@contextlib.contextmanager
def killed_after(process: subprocess.Popen[bytes], limit_s: float) -> Iterator[threading.Event]:
    """Kill the process if the block takes longer than this; the event tells whether it was."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(limit_s, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def ending(code: int) -> str:
    """The exit code in words: the signal's name where there was one."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}" if abs(code) < 256 else f"exit code {code & 0xFFFFFFFF:#010x}"
