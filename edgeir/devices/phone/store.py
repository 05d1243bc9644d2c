"""The one folder on the phone, in which everything is that edgeir sends, each file once.

A process on the phone, the keeper, holds the folder as long as its connection lasts. When that ends, by `close`, by
Ctrl-C, because edgeir was killed or because the cable was pulled, the keeper ends what still runs in the folder and
removes it. What a keeper could not remove (the phone went off) is removed at the next connect: a folder counts as left
behind if its keeper's process is not there any more. Nothing else is ever removed.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path

from edgeir.core.errors import DeviceError
from edgeir.core.files import sha256_file
from edgeir.devices.phone.adb import Adb
from edgeir.runtime.child_process import killed_after

__all__ = ["PIDS", "Store"]

PARENTS = ("/data/local/tmp", "/tmp")
NAME = "edgeir"
PIDS = "pids"
"""The file in the folder with the processes that were started there."""
START_S, END_S = 30.0, 20.0


class Store:
    """A folder on the phone, of this session alone.

    Attributes:
        folder: its path there.

    Raises:
        DeviceError: the phone is gone or full, or has no folder that may be written.
    """

    def __init__(self, adb: Adb) -> None:
        self._adb = adb
        self._sent: dict[str, str] = {}
        session = f"s-{secrets.token_hex(6)}"
        try:
            self._keeper = subprocess.Popen(
                adb.shell_words(_keeper(session)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for edgeir, which then closes
            )
        except OSError as error:
            raise DeviceError(f"adb cannot be started: {error.strerror}", where=adb.serial) from error
        self._end = weakref.finalize(self, _end, self._keeper)
        said: list[str] = []
        self.folder = ""
        assert self._keeper.stdout is not None
        try:
            with killed_after(self._keeper, START_S):
                for line in self._keeper.stdout:
                    text = line.decode(errors="replace").strip()
                    if text.startswith("ready "):
                        self.folder = text.removeprefix("ready ")
                        break
                    said.append(text)
        except BaseException:
            self._end()
            raise
        if not self.folder:
            self._end()
            reason = next((text for text in said if text and not text.startswith("W: ")), "no answer")
            full = "No space left" in " ".join(said)
            raise adb.lost() or DeviceError(
                "the phone's storage is full" if full else f"no folder can be made on the phone: {reason}",
                where=adb.serial,
                fix=f"adb -s {adb.serial} shell df {PARENTS[0]}",
            )

    def send(self, path: Path, *, program: bool = False) -> str:
        """The path there of a file, which is sent unless a file of the same content was.

        Args:
            program: it is to be executed there.

        Raises:
            DeviceError: the phone is gone or full.
        """
        key = sha256_file(path)
        if key not in self._sent:
            remote = f"{self.folder}/{key[:16]}{path.suffix if path.suffix[1:].isalnum() else ''}"
            self._adb.push([path], remote)
            if program:
                self._adb.shell(f"chmod 755 {remote}")
            self._sent[key] = remote
        return self._sent[key]

    def send_all(self, files: Sequence[Path]) -> str:
        """The folder there that holds programs and libraries under their own names; for one call in a session."""
        folder = f"{self.folder}/runner"
        self._adb.push(files, f"{folder}/")
        self._adb.shell(f"chmod 755 {folder}/*")  # a machine without such modes sends none
        return folder

    def close(self) -> None:
        """Let the keeper remove the folder, and wait for it; a phone that is gone is cleaned when it comes back."""
        with contextlib.suppress(DeviceError):
            self.remove()

    def remove(self) -> None:
        """As `close`.

        Raises:
            DeviceError: the folder may still be there.
        """
        if not self._end.alive:
            return
        text = self._end() or ""
        if "gone" not in text:
            raise self._adb.lost() or DeviceError(
                f"{self.folder} could not be removed: {text.strip()[:200] or 'no answer'}",
                where=self._adb.serial,
            )


def _end(keeper: subprocess.Popen[bytes]) -> str:
    """Close the keeper's input, which ends it, and return what it said."""
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    timer = threading.Timer(END_S, keeper.kill)
    timer.daemon = True
    timer.start()
    try:
        with contextlib.suppress(OSError):
            keeper.stdin.close()
        text = keeper.stdout.read().decode(errors="replace")
        keeper.wait()
        return text
    finally:
        timer.cancel()
        keeper.kill()
        keeper.wait()
        keeper.stdout.close()


def _keeper(session: str) -> str:
    """The keeper's program for the phone's shell.

    A folder is left behind if the command line of the process that its file `keeper` names does not hold its name; one
    without that file is just being made, and goes only if it is empty. Command substitution drops the zero bytes of a
    command line, which greps treat in different ways.
    """
    return (
        "trap '' HUP INT TERM PIPE; "
        f"for t in {' '.join(PARENTS)}; do [ -d $t ] && [ -w $t ] && break; done; P=$t/{NAME}; "
        'says() { case "$(cat /proc/$1/cmdline 2>/dev/null)" in *"$2"*) true;; *) false;; esac; }; '
        f"clean() {{ for p in $(cat $1/{PIDS} 2>/dev/null); do says $p ${{1##*/}} && kill -9 $p; done; "
        "rm -rf $1; rmdir $P 2>/dev/null; }; "
        "for d in $P/s-????????????; do [ -d $d ] || continue; k=$(cat $d/keeper 2>/dev/null); "
        'if [ -z "$k" ]; then rmdir $d 2>/dev/null; else says $k ${d##*/} || clean $d; fi; done; '
        f"D=$P/{session}; mkdir -p $D && echo $$ > $D/keeper && mkdir $D/runner && "
        'echo "ready $D" && cat > /dev/null; clean $D; [ -d $D ] || echo gone'
    )
