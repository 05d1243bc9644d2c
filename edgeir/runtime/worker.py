"""A runtime in a process of its own, for formats whose files can end the process that runs them at any run.

The process (`worker_child`) loads the file once and runs it on every image that it is sent, through pipes. If it
crashes, the session gets an error of one line and this process goes on. It ends with the session, with this process
however that ends, and when a run takes longer than its limit.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError
from edgeir.runtime.child_process import NO_WINDOW, can_start, command, ending, environment, killed_after

__all__ = ["Worker"]

CHILD = Path(__file__).with_name("worker_child.py")
LONGEST_LINE = 1 << 20
DAMAGED = "it is damaged: export it again, or get it anew"


class Worker:
    """One process that runs one model file.

    Args:
        loader: the file with the function `load` (see `worker_child`).
        model: what it loads.
        options: handed to it.
        title: of the runtime, for messages.
        limit_s: seconds that loading, or one run, may take.
        python: the Python of another environment, which has the runtime; this one by default.

    Attributes:
        model: what it loaded.
        transport_s: seconds that went into starting the process, and over all runs so far into the way there and back.
        import_mib: the process's memory before the file was loaded; None where the system says nothing.
        peak_mib: its largest resident memory until the end of the last run.
        run_s: seconds that the last run took there, without the way there and back; None before the first.
        about: what the loader says of what it loaded (the attribute ``about`` of its `run`); {} where it says nothing.

    Raises:
        ArtifactError: no process can be started, or the file cannot be loaded.
    """

    def __init__(
        self,
        loader: Path,
        model: Path,
        options: Mapping[str, Any],
        *,
        title: str,
        limit_s: float,
        python: str | None = None,
    ) -> None:
        self._title, self.model, self._limit_s = title, model, limit_s
        if not can_start():
            raise ArtifactError(
                f"{title} runs in a process of its own, which a frozen application cannot start", where=model
            )
        words = command(CHILD, str(loader), str(model), json.dumps(dict(options)), python=python)
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment(python=python),
                creationflags=NO_WINDOW,
            )
        except OSError as error:
            raise ArtifactError(
                f"{title} runs in a process of its own, which cannot be started: {error.strerror}",
                where=model,
            ) from error
        self._end = weakref.finalize(self, _end, self._process)
        began = time.perf_counter()
        ready = self._exchange(None, b"")[0]
        if "error" in ready:
            self._end()
            raise ArtifactError(f"{title} cannot load it: {ready['error']}", where=model)
        self.transport_s: float = max(0.0, time.perf_counter() - began - ready["load_s"])
        self.import_mib: float | None = ready["import_mib"]
        self.peak_mib = self.import_mib
        self.run_s: float | None = None
        self.about: dict[str, Any] = ready["about"]

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def run(self, tensor: NDArray[Any], outputs: Sequence[str]) -> list[NDArray[Any]]:
        """The named outputs for a tensor, each a new array.

        Raises:
            ArtifactError: the runtime failed, or the process ended (now, or in an earlier run).
        """
        began = time.perf_counter()
        line = {"shape": tensor.shape, "dtype": tensor.dtype.name, "outputs": list(outputs)}
        answer, arrays = self._exchange(line, np.ascontiguousarray(tensor).data.cast("B"))
        if "error" in answer:
            raise ArtifactError(f"{self._title} failed: {answer['error']}", where=self.model)
        self.peak_mib, self.run_s = answer["peak_mib"], answer["run_s"]
        self.transport_s += max(0.0, time.perf_counter() - began - answer["run_s"])
        return arrays

    def close(self) -> None:
        """End the process."""
        self._end()

    def _exchange(
        self, line: dict[str, Any] | None, content: bytes | memoryview
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """Send a request (None: there is none, the process speaks first) and read the answer."""
        with killed_after(self._process, self._limit_s) as late:
            try:
                if line is not None:
                    assert self._process.stdin is not None
                    self._process.stdin.write(json.dumps({**line, "limit_s": self._limit_s}).encode() + b"\n")
                    self._process.stdin.write(content)
                    self._process.stdin.flush()
                return _answer(self._process.stdout)
            except (OSError, EOFError, ValueError) as error:  # it ended, or was ended before
                raise ArtifactError(self._obituary(late.is_set()), where=self.model, fix=DAMAGED) from error
            except BaseException:  # an interrupted exchange leaves the pipes in the middle of a tensor
                self._end()
                raise

    def _obituary(self, late: bool) -> str:
        if late:
            self._end()
            return f"{self._title} was not done with the file in {self._limit_s:.0f} s"
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # it lives and talks nonsense
            self._end()
            code = self._process.returncode
        return f"the file crashes {self._title} ({ending(code)})"


def _answer(stream: IO[bytes] | None) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """One line and the tensors that it describes; `EOFError` or `ValueError` where there is none."""
    assert stream is not None
    line = stream.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise EOFError
    answer: dict[str, Any] = json.loads(line)
    arrays = []
    for described in answer.get("tensors", ()):
        array: NDArray[Any] = np.empty(described["shape"], described["dtype"])
        view, done = array.reshape(-1).view(np.uint8).data, 0
        while done < len(view):
            count = stream.readinto(view[done:])  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            done += count
        arrays.append(array)
    return answer, arrays


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill, collect, and close both pipes."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # what was still to be written
                stream.close()
