"""The process's streams where one of them is closed, full, or nobody reads it any more: no reason to stop working.

What a command shows on its way is lost then; only the result, on stdout, is worth an error (`Output.emit`).
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

__all__ = ["close_quietly", "discard", "open_missing", "say"]


def open_missing() -> None:
    """Open the null device for each of stdin, stdout and stderr that the process was started without.

    Otherwise the next file that is opened gets its number, and whatever a library prints lands in that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the life of the process


def say(line: str) -> None:
    """One line on stderr, if it can be written."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def discard(stream: TextIO) -> None:
    """Send what is left in `stream` to nowhere: its reader has gone (`| head`), and closing it would fail again."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def close_quietly() -> BaseException | None:
    """Flush both streams as the interpreter will; the error of stdout, if it cannot be written."""
    failure: BaseException | None = None
    for stream in (sys.stderr, sys.stdout):
        try:
            stream.flush()
        except OSError as error:
            failure = error if stream is sys.stdout else None
            discard(stream)
    return failure
