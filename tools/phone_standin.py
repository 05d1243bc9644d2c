"""Switch the stand-in phone of ``phone_standin.sh`` on and off, and pull its cable: for tests and benchmarks."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "tools" / "phone_standin.sh"
FOLDER = Path(os.environ.get("EDGEIR_PHONE_STANDIN", ROOT / "build" / "phone"))
SERIAL = "127.0.0.1:15555"
PARENT = "/data/local/tmp"
SECONDS = 30


class StandIn:
    """A running stand-in; `socket` is where its adb server listens."""

    serial = SERIAL

    def __init__(self, socket: str) -> None:
        self.variables = {"ADB_SERVER_SOCKET": f"localfilesystem:{socket}"}

    def adb(self, *words: str) -> str:
        """What adb prints."""
        done = subprocess.run(
            ["adb", *words],
            env={**os.environ, **self.variables},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.stdout + done.stderr

    def shell(self, command: str) -> str:
        """What a shell command on the phone prints."""
        return self.adb("-s", SERIAL, "shell", "-T", command)

    def pull_cable(self) -> None:
        """The connection ends at once, in the middle of whatever it carries."""
        self.adb("disconnect", SERIAL)

    def plug_in(self) -> None:
        """Connect again, and wait until it answers."""
        for _ in range(100):
            if "connected to" in self.adb("connect", SERIAL) and "ok" in self.shell("echo ok"):
                return
            time.sleep(0.1)
        raise TimeoutError("the stand-in does not come back")

    def left(self) -> list[str]:
        """Whatever lies where edgeir sends files, and processes of its runner."""
        found = self.shell(f"ls -A {PARENT}").split()
        running = [line for line in self.shell("ps -A -o ARGS").splitlines() if "/runner/runner" in line]
        return [*found, *running]

    def wait_until_clean(self, seconds: float) -> float | None:
        """Seconds until nothing is left; None: something still is."""
        began = time.monotonic()
        while self.left():
            if time.monotonic() - began > seconds:
                return None
            time.sleep(0.1)
        return time.monotonic() - began

    def set_property(self, name: str, value: str) -> None:
        """Change one of the properties that its getprop prints."""
        self.shell(
            f"sed -i '/^.{name}]/d' /system/getprop.txt; echo '[{name}]: [{value}]' >> /system/getprop.txt"
        )


def missing() -> str | None:
    """Why no stand-in can run here; None: it can, as far as is known."""
    for tool, package in (("adb", "adb"), ("unshare", "util-linux"), ("ip", "iproute2")):
        if shutil.which(tool) is None:
            return f"`{tool}` is not installed (apt-get install {package})"
    if not (FOLDER / "complete").is_file():
        return f"the stand-in phone is not set up (sh tools/phone_standin.sh setup {FOLDER})"
    return None


@contextlib.contextmanager
def switched_on() -> Iterator[StandIn]:
    """A stand-in of one's own.

    Raises:
        OSError: it cannot run here; the message is the script's.
    """
    process = subprocess.Popen(
        ["sh", str(SCRIPT), "run", str(FOLDER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            if line.startswith("ready "):
                break
            said += line
        else:
            raise OSError(said.strip() or "the stand-in ended without a word")
        yield StandIn(line.split()[1])
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
