"""Children for model files without the start of a Python each: a process that has imported the runtime forks them.

`ForkServer` stands in for the ways in which `edgeir.runtime.trial` and `edgeir.runtime.worker` start their children,
with the same script, arguments, pipes and exit codes; a child has a memory of its own and may crash as it likes. As a
program (stdlib alone, in any environment):

    python -P fork_server.py SOCKET SCRIPT PACKAGE …

imports the packages, then forks a child for each request and runs SCRIPT's `main` in it. One child may be waited for
at a time. Linux only.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

MEMORY = 3 << 30
"""Bytes that a child may ask for: a file that wants more gets an error of the runtime, not this machine's memory."""
_LONGEST = 1 << 16


class ForkServer:
    """Starts `script` (``trial_child.py`` or ``worker_child.py``) by forking.

    Attributes:
        threads: of the process that is forked.
        most_mib: largest resident memory of a child so far.
    """

    def __init__(self, script: Path, packages: Sequence[str], *, python: str, **more: str) -> None:
        self.script, self.most_mib = script, 0.0
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [python, "-P", __file__, str(theirs.fileno()), str(script), *packages],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **more},
        )
        theirs.close()
        self._channel, self._lock = ours, threading.Lock()
        self.threads: int = json.loads(ours.recv(_LONGEST) or b'{"threads": 0}')["threads"]
        if not self.threads:
            raise RuntimeError(f"{python} cannot import {', '.join(packages)}")

    def start(self, words: Sequence[str], stdin: int, stdout: int) -> int:
        """Fork a child for the command line `words`; its process id."""
        if Path(words[2]) != self.script:
            raise ValueError(f"forks {self.script.name}, not {Path(words[2]).name}")
        with self._lock:
            request = json.dumps({"arguments": list(words[3:])}).encode()
            socket.send_fds(self._channel, [request], [stdin, stdout])
            return int(json.loads(self._channel.recv(_LONGEST))["pid"])

    def wait(self, pid: int, seconds: float | None) -> int | None:
        """The exit code, a signal's as a negative number; None if the child is not done in time."""
        with self._lock:
            self._channel.send(json.dumps({"wait": pid, "seconds": seconds}).encode())
            answer = json.loads(self._channel.recv(_LONGEST))
        self.most_mib = max(self.most_mib, answer["mib"])
        return None if answer["code"] is None else int(answer["code"])

    def close(self) -> None:
        """End it."""
        self._channel.close()
        self._process.wait()

    def run(self, words: list[str], seconds: float) -> tuple[int, str]:
        """In place of `edgeir.runtime.trial._run`."""
        with open(os.memfd_create("output"), "r+b") as output, open(os.devnull, "rb") as nothing:
            pid = self.start(words, nothing.fileno(), output.fileno())
            if (code := self.wait(pid, seconds)) is None:
                os.kill(pid, signal.SIGKILL)
                self.wait(pid, None)
                raise subprocess.TimeoutExpired(words, seconds)
            output.seek(0)
            return code, output.read().decode(errors="replace").strip()

    def popen(self, words: list[str], **_: Any) -> Forked:
        """In place of `subprocess.Popen` with pipes on both sides."""
        return Forked(self, words)


class Forked:
    """What `edgeir.runtime.worker` needs of a `subprocess.Popen`."""

    def __init__(self, server: ForkServer, words: list[str]) -> None:
        child_in, write = os.pipe()
        read, child_out = os.pipe()
        self._server, self.returncode = server, None
        self.pid = server.start(words, child_in, child_out)
        os.close(child_in)
        os.close(child_out)
        self.stdin: IO[bytes] = os.fdopen(write, "wb")
        self.stdout: IO[bytes] = os.fdopen(read, "rb")

    returncode: int | None

    def kill(self) -> None:
        """End it, if it is not over; the server keeps its id until it is waited for."""
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code."""
        if self.returncode is None:
            self.returncode = self._server.wait(self.pid, timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("child", timeout or 0.0)
        return self.returncode


def serve(channel: socket.socket, script: str, packages: Sequence[str]) -> None:
    """Fork and wait, as asked, until the other side is gone."""
    for package in packages:
        importlib.import_module(package)
    main: Callable[..., int] = runpy.run_path(script)["main"]
    limit_memory(MEMORY)
    channel.send(json.dumps({"threads": len(os.listdir("/proc/self/task"))}).encode())
    while True:
        message, descriptors, _, _ = socket.recv_fds(channel, _LONGEST, 2)
        if not message:
            return
        request = json.loads(message)
        if "wait" in request:
            channel.send(json.dumps(waited(request["wait"], request["seconds"])).encode())
            continue
        if (pid := os.fork()) == 0:
            channel.close()
            child(main, request["arguments"], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(json.dumps({"pid": pid}).encode())


def limit_memory(more: int) -> None:
    """Let this process and its children have so many bytes of address space beyond what it has now."""
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + more, has + more))


def child(main: Callable[..., int], arguments: list[str], descriptors: Sequence[int]) -> None:
    """Run the script's `main` as its last lines do, and end."""
    code = 1
    with contextlib.suppress(BaseException):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number, descriptor in enumerate((*descriptors, nowhere)):
            os.dup2(descriptor, number)
            os.close(descriptor)
        last = arguments[-1]
        code = main(*arguments[:-1], int(last) if last.isdigit() else last)
        sys.stdout.flush()
    os._exit(code)


def waited(pid: int, seconds: float | None) -> dict[str, Any]:
    """How a child ended, and its largest memory."""
    descriptor = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    done = poll.poll(None if seconds is None else seconds * 1000)
    os.close(descriptor)
    if not done:
        return {"code": None, "mib": 0.0}
    _, status, usage = os.wait4(pid, 0)
    return {"code": os.waitstatus_to_exitcode(status), "mib": usage.ru_maxrss / 1024}


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], sys.argv[3:])
