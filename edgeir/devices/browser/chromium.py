"""A headless Chromium: where it is, and a process of it that leaves nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from edgeir.core.errors import DeviceError

__all__ = ["Chromium", "chromium_path", "descendants"]

VARIABLE = "EDGEIR_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
_ELSEWHERE = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
SOFTWARE_GPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
"""WebGPU without a GPU: correct, and slower than WebAssembly."""
_FLAGS = (
    "--headless=new",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--metrics-recording-only",
    "--mute-audio",
    "--hide-scrollbars",
)
_STOP_S = 5.0


def chromium_path() -> Path:
    """``$EDGEIR_CHROMIUM``, or the first Chromium, Chrome or Edge that is installed.

    Raises:
        DeviceError: there is none.
    """
    named = os.environ.get(VARIABLE)
    candidates = [named] if named else [*filter(None, map(shutil.which, NAMES)), *_ELSEWHERE]
    found = next((Path(path) for path in candidates if Path(path).is_file()), None)
    if found is None:
        raise DeviceError(
            "there is no Chromium here" if not named else "there is no such browser",
            where=named,
            fix=f"apt install chromium, or set {VARIABLE} to the program of Chrome, Chromium or Edge",
        )
    return found


class Chromium:
    """A headless browser at one page, with a profile of its own that is removed again.

    Args:
        url: what it opens.
        software_gpu: offer WebGPU on the CPU.

    Raises:
        DeviceError: there is no browser, or it cannot be started.
    """

    def __init__(self, url: str, *, software_gpu: bool = False) -> None:
        self.path = chromium_path()
        self._profile = TemporaryDirectory(prefix="edgeir-browser-", ignore_cleanup_errors=True)
        flags = [*_FLAGS, f"--user-data-dir={self._profile.name}", *(SOFTWARE_GPU if software_gpu else ())]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            flags.append("--no-sandbox")  # root cannot use its sandbox; the only page is edgeir's own
        try:
            self._process = subprocess.Popen(
                [str(self.path), *flags, url],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self._profile.cleanup()
            raise DeviceError(f"the browser cannot be started: {error.strerror}", where=self.path) from error

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def peak_mib(self) -> float | None:
        """Peak resident memory of its largest renderer, the process that holds the page and its workers; Linux only."""
        peaks = []
        for process in descendants(self._process.pid):
            try:
                if b"--type=renderer" not in (process / "cmdline").read_bytes():
                    continue
                found = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
            except OSError:  # it has ended
                continue
            if found is not None:
                peaks.append(int(found[1]) / 1024)
        return round(max(peaks), 1) if peaks else None

    def close(self) -> None:
        """End the browser and remove its profile."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_S
        while self.running and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.running:
            self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        self._process.wait()
        self._profile.cleanup()

    def _signal(self, number: int) -> None:
        try:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            else:
                self._process.terminate()
        except OSError:  # it has ended by itself
            pass


def descendants(parent: int) -> Iterator[Path]:
    """The processes below `parent`, as folders of ``/proc``; none where there is no such folder."""
    if not sys.platform.startswith("linux"):
        return
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
    for pid in parents:
        above = pid
        while above in parents and above != parent:
            above = parents[above]
        if above == parent and pid != parent:
            yield Path("/proc") / str(pid)
