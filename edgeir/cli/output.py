"""What every command shows: the result on stdout, progress and remarks on stderr.

Third-party code that prints (converters, native libraries) is sent to stderr while a command runs, so that
stdout carries the result alone and ``--json`` can be piped.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import logging
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from types import TracebackType
from typing import Any, TextIO

from edgeir.cli.streams import discard, say
from edgeir.core.errors import OutputError
from edgeir.core.progress import Progress, no_progress

__all__ = ["PIPE_CLOSED", "Output", "jsonable", "table"]

PIPE_CLOSED = 128 + 13
"""Exit code when nobody reads stdout any more, as for a program that SIGPIPE ended."""

LINE_EVERY_S = 10.0
"""Between two progress lines where stderr is not a terminal."""


class Output:
    """The two streams of one command, as a context manager around its work.

    Args:
        quiet: no progress and no remarks; the result is still printed.
        json: print the result as one JSON document instead of text.
    """

    def __init__(self, *, quiet: bool = False, json: bool = False) -> None:
        self.quiet = quiet
        self.json = json
        self._stdout: TextIO = sys.stdout
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Output:
        with contextlib.ExitStack() as entered:  # undone if the second one fails
            entered.enter_context(_log_to_stderr(self.quiet))
            self._stdout = entered.enter_context(_own_stdout())
            self._undo = entered.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def emit(self, result: Any, lines: Sequence[str]) -> None:
        """Print the result: `lines` for a person, or `result` as JSON."""
        if self.json:
            text = json.dumps(jsonable(result), indent=2, ensure_ascii=False, allow_nan=False)
        else:
            text = "\n".join(lines)
        if not text:
            return
        try:
            self._stdout.write(text + "\n")
            self._stdout.flush()
        except BrokenPipeError:
            discard(self._stdout)
            raise SystemExit(PIPE_CLOSED) from None
        except OSError as error:
            discard(self._stdout)
            raise OutputError(
                f"the result cannot be shown: {error.strerror}", where="standard output"
            ) from error

    def note(self, line: str) -> None:
        """A remark for a person, on stderr; nothing with `quiet`."""
        if not self.quiet:
            say(line)

    @contextlib.contextmanager
    def progress(self, *, processes: int = 1) -> Iterator[Progress]:
        """A callback for long library functions: a bar with rate and ETA, or a line every ten seconds.

        A bar cannot be sent to other processes, so with several `processes` there are lines.
        """
        if self.quiet:
            yield no_progress
        elif sys.stderr.isatty() and processes == 1:
            with _bar() as callback:
                yield callback
        else:
            yield _Lines()


class _Meter:
    """Rate and time left of a job that may start in the middle (a resumed run) and have several phases."""

    def __init__(self) -> None:
        self._total = -1.0
        self._done = 0.0
        self._from = (0.0, 0.0)

    def read(self, done: float, total: float) -> str:
        now = time.monotonic()
        if total != self._total or done < self._done:
            self._total, self._from = total, (now, done)
        self._done = done
        seconds, gained = now - self._from[0], done - self._from[1]
        parts = [f"{_number(done)}/{_number(total)}"]
        if seconds > 0.5 and gained > 0:
            rate = gained / seconds
            parts.append(f"{rate:.3g}/s" if rate >= 1 else f"{1 / rate:.3g} s each")
            if done < total:
                parts.append(f"{_duration((total - done) / rate)} left")
        return " · ".join(parts)


class _Lines:
    """Progress where nobody watches (a log file): a line now and then."""

    def __init__(self) -> None:
        self._meter = _Meter()
        self._next = time.monotonic() + LINE_EVERY_S

    def __call__(self, done: float, total: float, label: str) -> None:
        text = self._meter.read(done, total)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_EVERY_S
            say(f"edgeir: {text} · {label}" if label else f"edgeir: {text}")


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    meter = _Meter()
    columns = (
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.description}"),
    )
    with Bars(*columns, console=Console(file=sys.stderr), transient=True) as bars:
        task = bars.add_task("", total=None)

        def callback(done: float, total: float, label: str) -> None:
            text = f"{meter.read(done, total)}  {escape(label)}"
            bars.update(task, completed=done, total=total, description=text)

        yield callback


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextlib.contextmanager
def _own_stdout() -> Iterator[TextIO]:
    """The real stdout as a stream, while everything else that writes to stdout lands on stderr."""
    real = sys.stdout
    real.flush()
    try:
        owns = real.fileno() == 1
    except (io.UnsupportedOperation, OSError, ValueError):
        owns = False  # a test or a caller replaced sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        if not owns:
            yield real
            return
        saved = os.dup(1)
        os.dup2(2, 1)
        try:
            with os.fdopen(os.dup(saved), "w", encoding=real.encoding, errors="backslashreplace") as stream:
                yield stream
        finally:
            os.dup2(saved, 1)
            os.close(saved)


class _StderrHandler(logging.Handler):
    # Looks sys.stderr up for each record: the progress bar replaces it while it is drawn.
    def emit(self, record: logging.LogRecord) -> None:
        say(f"edgeir: {record.getMessage()}")


@contextlib.contextmanager
def _log_to_stderr(quiet: bool) -> Iterator[None]:
    logger, handler = logging.getLogger("edgeir"), _StderrHandler()
    before = (logger.level, logger.propagate)
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR if quiet else logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


def jsonable(value: Any) -> Any:
    """`value` as plain JSON types: pydantic models, dataclasses, paths and numpy numbers; not finite is null."""
    if hasattr(value, "model_dump"):
        return jsonable(value.model_dump(mode="json"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(entry) for entry in value]
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, BaseException):
        return str(value)
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text as aligned columns, two blanks apart."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in lines]
