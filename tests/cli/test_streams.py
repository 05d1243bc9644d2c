"""Streams that are closed, full or read by nobody: the work is done all the same, and no traceback is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeir.cli.streams import say

SHELL = Path("/bin/sh")
COMMAND = f"{sys.executable} -m edgeir recipes"
LOGGING = """
import logging, sys
from edgeir.cli.output import Output
with Output() as output:
    output.note("a remark")
    logging.getLogger("edgeir.test").warning("a warning")
    with output.progress() as progress:
        progress(1, 2, "half")
    output.emit({"a": 1}, ["the result"])
"""


def sh(command: str) -> subprocess.CompletedProcess[str]:
    if not SHELL.exists():
        pytest.skip("no shell")
    return subprocess.run([str(SHELL), "-c", command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_does_not_stop_a_command(redirection: str) -> None:
    done = sh(f"{COMMAND} {redirection}")
    assert (done.returncode, done.stderr) == (0, "")
    assert ("super-resolution/demo" in done.stdout) == (redirection == "2>&-")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_result_that_cannot_be_written_is_an_error_and_a_remark_is_not() -> None:
    done = sh(f"{COMMAND} >/dev/full")
    assert done.returncode == 2
    assert (
        done.stderr == "edgeir: error: standard output: the result cannot be shown: No space left on device\n"
    )
    done = sh(f"{sys.executable} -c '{LOGGING}' 2>/dev/full")
    assert done.stdout == "the result\n"


def test_a_reader_that_has_gone_ends_the_command_without_a_traceback() -> None:
    done = sh(f"({COMMAND} 2>&1; echo $? >&3) 3>&2 | true")
    assert done.stderr.strip() in ("0", "141")  # it may have been faster than `true`
    done = sh(f"({sys.executable} -c '{LOGGING}') 2>&1 >/dev/null | true")
    assert done.stderr == ""


def test_a_line_that_cannot_be_shown_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, text: str) -> None:
            raise BrokenPipeError

        def flush(self) -> None: ...

    monkeypatch.setattr(sys, "stderr", Gone())
    say("nobody hears this")
