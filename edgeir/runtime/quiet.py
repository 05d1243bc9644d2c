"""Keep third-party libraries from writing on the user's terminal."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator

__all__ = ["libraries_silenced", "native_silenced"]


@contextlib.contextmanager
def native_silenced(*descriptors: int) -> Iterator[None]:
    """Redirect file descriptors (2 by default) to the null device inside the block; C++ code ignores `sys.stderr`.

    LiteRT prints a line about XNNPACK for every new interpreter, and its converter logs its passes.
    A descriptor belongs to the whole process: keep the block short, and write nothing inside it.
    """
    saved: list[tuple[int, int]] = []
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for descriptor in descriptors or (2,):
            with contextlib.suppress(OSError):  # a closed descriptor leaks nothing
                saved.append((descriptor, os.dup(descriptor)))
                os.dup2(nowhere, descriptor)
        yield
    finally:
        for descriptor, copy in saved:
            os.dup2(copy, descriptor)
            os.close(copy)
        os.close(nowhere)


@contextlib.contextmanager
def libraries_silenced() -> Iterator[None]:
    """Inside the block, converters and quantisers neither print nor warn, in Python or natively.

    Their errors are still raised as exceptions. Import them inside the block: some print at import.
    """
    with (
        warnings.catch_warnings(),
        native_silenced(1, 2),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        yield
