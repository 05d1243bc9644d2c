"""Talk to a runner that serves one model: frames of a little-endian 32-bit length and so many bytes, through pipes."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgeir.core.errors import ArtifactError, DeviceError, EdgeIRError
from edgeir.runtime.child_process import ending, killed_after

__all__ = ["Blame", "RunnerProcess", "run_once"]

LONGEST_ANSWER = 1 << 16
MOST_BYTES = 1 << 31
SAID = 4000
"""Bytes of what it said last on standard error that are looked at after a crash."""
Blame: TypeAlias = Callable[[int | None], EdgeIRError | None]
"""Asked why a runner ended that did not answer, with its exit code (None: it was not done in time): what else than the
file is to blame, such as a cable; None: nothing."""


class RunnerProcess:
    """One serving runner.

    Args:
        words: the command line that starts it, ``--serve`` included.
        model: the file that it was given, for messages.
        title: of the device, for messages.
        limit_s: seconds that loading, or one run, may take.
        blame: see `Blame`.

    Attributes:
        header: what it said of the library and the model.
        transport_s: seconds that starting it took, and over all runs so far the way there and back.
        peak_kib: its largest resident memory until the end of the last run.

    Raises:
        DeviceError: it cannot be started.
        ArtifactError: it cannot load the file.
    """

    def __init__(
        self,
        words: Sequence[str],
        model: Path,
        *,
        title: str,
        limit_s: float,
        blame: Blame | None = None,
    ) -> None:
        self.model, self._title, self._limit_s, self._blame = model, title, limit_s, blame
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        began = time.perf_counter()
        self._process = _started(words, self._said, stdin=subprocess.PIPE)
        self._end = weakref.finalize(self, _end, self._process, self._said)
        self.header: dict[str, Any] = self._exchange(None)[0]
        self.transport_s = max(0.0, time.perf_counter() - began - float(self.header["init_ms"]) / 1e3)
        self.peak_kib = int(self.header["peak_kib"])

    def run(self, tensor: NDArray[Any], dtype: str, shape: Sequence[int]) -> NDArray[Any]:
        """The output for an input tensor, as an array of this type and shape.

        Raises:
            ArtifactError: the run failed, or the process ended.
        """
        began = time.perf_counter()
        answer, content = self._exchange(np.ascontiguousarray(tensor).tobytes())
        self.transport_s += max(0.0, time.perf_counter() - began - float(answer["run_ms"]) / 1e3)
        self.peak_kib = int(answer["peak_kib"])
        return np.frombuffer(content, dtype).reshape(tuple(shape))

    def close(self) -> None:
        """End the process."""
        self._end()

    def _exchange(self, content: bytes | None) -> tuple[dict[str, Any], bytes]:
        """Send a tensor (None: there is none, the process speaks first) and read the answer and its tensor."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with killed_after(self._process, self._limit_s) as late:
            try:
                if content is not None:
                    self._process.stdin.write(len(content).to_bytes(4, "little") + content)
                    self._process.stdin.flush()
                answer: dict[str, Any] = json.loads(_frame(self._process.stdout, LONGEST_ANSWER))
                if "error" in answer:
                    raise ArtifactError(f"{self._title} cannot run it: {answer['error']}", where=self.model)
                return answer, b"" if content is None else _frame(self._process.stdout, MOST_BYTES)
            except (OSError, EOFError, ValueError) as error:
                raise _crashed(
                    self._process,
                    self._said,
                    self._title,
                    self.model,
                    self._limit_s if late.is_set() else None,
                    self._blame,
                ) from error
            except BaseException:  # an interrupted exchange leaves the pipes in the middle of a tensor
                self._end()
                raise


def run_once(
    words: Sequence[str], model: Path, *, title: str, limit_s: float, blame: Blame | None = None
) -> dict[str, Any]:
    """Run a runner to its end and return what it said; `blame` as for `RunnerProcess`.

    Raises:
        DeviceError: it cannot be started.
        ArtifactError: it refused the file, crashed or was not done in time.
    """
    with tempfile.TemporaryFile() as said:
        process = _started(words, said)
        late = None
        try:
            content, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            late = limit_s
            content = b""
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        try:
            answer: dict[str, Any] = json.loads(content)
        except ValueError as error:
            raise _crashed(process, said, title, model, late, blame) from error
    if "error" in answer:
        raise ArtifactError(f"{title} cannot run it: {answer['error']}", where=model)
    return answer


def _started(
    words: Sequence[str], said: IO[bytes], stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(list(words), stdin=stdin, stdout=subprocess.PIPE, stderr=said)
    except OSError as error:
        raise DeviceError(f"the runner cannot be started: {error.strerror}", where=words[0]) from error


def _frame(stream: IO[bytes], most: int) -> bytes:
    size = int.from_bytes(_exactly(stream, 4), "little")
    if size > most:
        raise ValueError(f"a frame of {size} bytes")
    return _exactly(stream, size)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content


def _crashed(
    process: subprocess.Popen[bytes],
    said: IO[bytes],
    title: str,
    model: Path,
    late: float | None,
    blame: Blame | None,
) -> EdgeIRError:
    if late is not None:
        process.wait()  # it was killed
        if blame and (blamed := blame(None)):
            return blamed
        return ArtifactError(f"{title} was not done with it in {late:.0f} s", where=model)
    try:
        code = process.wait(timeout=5)
    except subprocess.TimeoutExpired:  # it lives and talks nonsense
        process.kill()
        code = process.wait()
    if blame and (blamed := blame(code)):
        return blamed
    said.seek(0, 2)
    said.seek(max(0, said.tell() - SAID))
    lines = [line for line in said.read().decode(errors="replace").splitlines() if line.startswith("ERROR")]
    reason = lines[0].removeprefix("ERROR: ")[:200] if lines else ending(code)
    return ArtifactError(
        f"it crashes {title} ({reason})", where=model, fix="it is damaged, or the library is too old for it"
    )


def _end(process: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, said):
        if stream is not None:
            with contextlib.suppress(OSError):  # what was still to be written
                stream.close()
