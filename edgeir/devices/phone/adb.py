"""The adb client as child processes, each with a time limit; what goes wrong is a `DeviceError` with what to do."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from edgeir.core.errors import DeviceError
from edgeir.devices.runner.toolchain import tool

__all__ = ["Adb", "attached", "choose", "client"]

PACKAGE = "adb"
PROMPT_S = 20.0
"""For a command that answers at once."""
SLOWEST_BYTES_S = 100_000
"""Of a push: a phone on a bad wireless network."""
READY = "device"
END = "edgeir-end"
"""The last that a shell command prints."""
NOTICE_S = 0.5
"""After which adb knows of a cable that was pulled: its connections end before."""
CABLE = "plug it in and run again: edgeir removes there what it left"
STATES = {
    "unauthorized": ("does not trust this machine", "unlock it and accept its question about USB debugging"),
    "authorizing": (
        "does not trust this machine yet",
        "unlock it and accept its question about USB debugging",
    ),
    "offline": ("does not answer adb (offline)", "unplug it and plug it in again"),
    "no permissions": (
        "may not be used by this user",
        "apt-get install android-sdk-platform-tools-common, join the group plugdev, plug it in again",
    ),
}


def client() -> Path:
    """The adb program.

    Raises:
        DeviceError: it is not installed.
    """
    return tool("adb", PACKAGE)


def attached(program: Path) -> dict[str, str]:
    """Serial numbers of what is connected, with the state: ``device`` is a phone that answers.

    Raises:
        DeviceError: adb does not work here.
    """
    done = _done([str(program), "devices"], PROMPT_S, where="adb devices")
    if done.returncode:
        raise DeviceError(f"adb does not work: {_reason(done)}", where="adb devices", fix="adb kill-server")
    found = {}
    for line in done.stdout.decode(errors="replace").splitlines():
        serial, tab, state = line.partition("\t")
        if tab:
            found[serial.strip()] = "no permissions" if state.startswith("no perm") else state.strip()
    return found


def choose(program: Path, serial: str | None) -> str:
    """The serial number of the phone meant; it answers.

    Raises:
        DeviceError: there is none, there are several and none was named, or it cannot be used yet.
    """
    found = attached(program)
    if serial is None:
        if not found:
            raise DeviceError(
                "no phone is connected", where="phone",
                fix="switch on USB debugging in its developer options and plug it in; `adb devices` lists it",
            )  # fmt: skip
        if len(found) > 1:
            raise DeviceError(
                f"{len(found)} phones are connected: {', '.join(sorted(found))}", where="phone",
                fix=f"name one: phone:{sorted(found)[0]}",
            )  # fmt: skip
        (serial,) = found
    problem = _problem(serial, found)
    if problem is not None:
        raise problem
    return serial


class Adb:
    """The client for one phone.

    Attributes:
        serial: as ``adb devices`` lists it.
    """

    def __init__(self, program: Path, serial: str) -> None:
        self.program, self.serial = program, serial

    def shell_words(self, command: str) -> list[str]:
        """A command line that runs a shell command there, with clean pipes for its input and output."""
        return [str(self.program), "-s", self.serial, "shell", "-T", command]

    def shell(self, command: str, limit_s: float = PROMPT_S) -> str:
        """What a shell command printed there; its exit code does not matter.

        Raises:
            DeviceError: the phone is gone, or was not done in time.
        """
        done = self._done(self.shell_words(f"{command}; echo {END}"), limit_s)
        text, end, _ = done.stdout.decode(errors="replace").rpartition(END)
        if not end:  # adb does not tell a broken connection by its exit code
            raise self.broken()
        return text

    def push(self, files: Sequence[Path], remote: str) -> None:
        """Copy files there: one to the path `remote`, several into the folder `remote`, which exists.

        Raises:
            DeviceError: the phone is gone or full, or refuses them.
        """
        size = sum(file.stat().st_size for file in files)
        words = [str(self.program), "-s", self.serial, "push", *map(str, files), remote]
        done = self._done(words, PROMPT_S + size / SLOWEST_BYTES_S)
        if done.returncode:
            said = _reason(done)
            if "No space left" in said:
                raise DeviceError(
                    "the phone's storage is full", where=self.serial,
                    fix=f"free {size / 2**20:.1f} MiB there: adb -s {self.serial} shell df /data/local/tmp",
                )  # fmt: skip
            raise self.lost() or DeviceError(f"{files[0].name} cannot be sent: {said}", where=self.serial)

    def lost(self) -> DeviceError | None:
        """What is wrong with the connection, to be asked after a failure; None: the phone answers."""
        try:
            problem = _problem(self.serial, attached(self.program), gone=True)
            if problem is None:
                time.sleep(NOTICE_S)
                problem = _problem(self.serial, attached(self.program), gone=True)
            return problem
        except DeviceError as error:
            return error

    def broken(self) -> DeviceError:
        """The error for a connection that ended in the middle: the phone is gone, or was for a moment."""
        return self.lost() or DeviceError("the connection to the phone broke", where=self.serial, fix=CABLE)

    def _done(self, words: Sequence[str], limit_s: float) -> subprocess.CompletedProcess[bytes]:
        return _done(words, limit_s, where=self.serial)


def _done(words: Sequence[str], limit_s: float, *, where: str) -> subprocess.CompletedProcess[bytes]:
    """Run the client in a process group of its own: Ctrl-C stops edgeir, which then cleans the phone with it."""
    try:
        return subprocess.run(
            list(words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise DeviceError(
            f"adb was not done in {limit_s:.0f} s", where=where, fix="unplug the phone and plug it in again"
        ) from error
    except OSError as error:
        raise DeviceError(f"adb cannot be started: {error.strerror}", where=words[0]) from error


def _problem(serial: str, found: dict[str, str], *, gone: bool = False) -> DeviceError | None:
    state = found.get(serial)
    if state == READY:
        return None
    if state is None:
        if gone:
            return DeviceError("the phone was unplugged", where=serial, fix=CABLE)
        known = ", ".join(sorted(found)) or "none"
        return DeviceError(f"there is no phone `{serial}`", where="phone", fix=f"connected: {known}")
    what, fix = STATES.get(state, (f"is in the state `{state}`", "start it in the usual way"))
    return DeviceError(f"the phone {what}", where=serial, fix=fix)


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """What the client said last of an error."""
    lines = (done.stderr + done.stdout).decode(errors="replace").splitlines()
    wrong = [line for line in lines if "error" in line or "failed" in line or "cannot" in line]
    text = (wrong or [line for line in lines if line.strip()] or ["no message"])[0]
    return text.removeprefix("adb: ").removeprefix("error: ").strip()[:300]
