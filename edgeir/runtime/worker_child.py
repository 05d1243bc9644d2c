"""The process of a `Worker`: loads one model file and runs it on every image that comes in.

    python -P worker_child.py LOADER MODEL OPTIONS

LOADER is a file with a function `load(model, options)`, which gives a function `run(tensor, outputs)`; that one gives
the seconds that the run took and the named outputs; its attribute ``about``, where it has one, is a dictionary for the
parent. OPTIONS is JSON. What arrives on stdin and leaves on stdout is one
line of JSON each time, followed by the bytes of the tensors that the line describes.

Ends when stdin ends, which it does when the parent closes it or dies in whatever way; where the system has an alarm, a
run that outlasts its limit ends the process even if nobody is left to do so. Imports numpy and the runtime, nothing of
edgeir, so that it starts quickly.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

GRACE_S = 5
"""The parent, which has a better message, may end a run that outlasts its limit first."""


def main(loader: str, model: str, options: str) -> int:
    """Serve until stdin ends; the exit code."""
    _crash_quietly()
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # whatever the runtime prints must not get between the tensors
        os.dup2(nowhere, descriptor)
    try:
        with _heard() as heard:
            load = runpy.run_path(loader)["load"]
            imported = _peak_mib()
            began = time.perf_counter()
            run = load(model, json.loads(options))
            load_s = time.perf_counter() - began
    except Exception as error:  # runtimes raise whatever they like
        _send(sink, {"error": _first_line(str(error), *heard) or type(error).__name__})
        return 1
    about = getattr(run, "about", {})
    _send(sink, {"import_mib": imported, "load_s": load_s, "about": about})
    while line := source.readline():
        request = json.loads(line)
        tensor = _received(source, request)
        _set_alarm(int(request["limit_s"]) + GRACE_S)
        try:
            seconds, results = run(tensor, request["outputs"])
        except Exception as error:
            _set_alarm(0)
            _send(sink, {"error": _first_line(str(error)) or type(error).__name__})
            continue
        _set_alarm(0)
        described = [{"shape": array.shape, "dtype": array.dtype.name} for array in results]
        _send(sink, {"run_s": seconds, "peak_mib": _peak_mib(), "tensors": described}, results)
    return 0


def _received(source: Any, request: dict[str, Any]) -> Any:
    import numpy as np

    tensor: Any = np.empty(request["shape"], request["dtype"])
    view, done = memoryview(tensor).cast("B"), 0
    while done < len(view):
        count = source.readinto(view[done:])
        if not count:
            os._exit(0)  # the parent is gone
        done += count
    return tensor


def _send(sink: Any, line: dict[str, Any], tensors: Any = ()) -> None:
    try:
        sink.write(json.dumps(line).encode() + b"\n")
        for tensor in tensors:
            sink.write(memoryview(tensor).cast("B"))
        sink.flush()
    except OSError:
        os._exit(0)  # nobody reads


@contextlib.contextmanager
def _heard() -> Iterator[list[str]]:
    """Lines that native code writes on stderr inside the block; filled at its end."""
    heard: list[str] = []
    before = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield heard
        finally:
            os.dup2(before, 2)
            os.close(before)
            file.seek(0)
            heard.extend(file.read(4096).decode(errors="replace").splitlines())


def _first_line(*texts: str) -> str:
    lines = [text.splitlines()[0].strip() for text in texts if text.strip()]
    return ": ".join(lines[:2])[:200]


def _set_alarm(seconds: int) -> None:
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _peak_mib() -> float | None:
    """VmHWM; None where the system does not say."""
    try:
        with open("/proc/self/status", encoding="utf-8", errors="replace") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def _crash_quietly() -> None:
    """No core file, no dialog; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetErrorMode(0x0001 | 0x0002 | 0x8000)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
