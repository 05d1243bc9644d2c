"""The emulated phone as a command line: qemu, a root folder that describes the core, the runner and the library."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edgeir.core.cache import cache_root
from edgeir.core.errors import DeviceError
from edgeir.core.files import atomic_dir, exclusive
from edgeir.devices.arm64.cores import PROCESSORS, Core
from edgeir.devices.runner.built import library_for, runner_for
from edgeir.devices.runner.library import read_library
from edgeir.devices.runner.toolchain import Abi, abi_named, tool

__all__ = ["QEMU_PACKAGE", "Emulator"]

QEMU = {"arm64-v8a": "qemu-aarch64", "armeabi-v7a": "qemu-arm"}
QEMU_PACKAGE = "qemu-user"


@dataclass(frozen=True)
class Emulator:
    """What starts the runner on an emulated core.

    Attributes:
        core: the core.
        qemu: the emulator's program.
        root: a folder with the C library and what the system says of the core.
        runner, library: built for the core's instruction set.
        origin: the file that the library was taken from.
    """

    core: Core
    qemu: Path
    root: Path
    runner: Path
    library: Path
    origin: Path

    @staticmethod
    def of(core: Core, library_file: Path | None = None) -> Emulator:
        """Find and build everything.

        Args:
            library_file: the library; by default that of `read_library`.

        Raises:
            DeviceError: the emulator, the compiler or the library is missing; the message says how to get it.
        """
        abi = abi_named(core.abi)
        qemu = tool(QEMU[core.abi], QEMU_PACKAGE)
        if library_file is None:
            content, origin = read_library(core.abi)
        else:
            content, origin = library_file.read_bytes(), library_file
        try:
            library = library_for(abi, content)
        except DeviceError as error:
            raise DeviceError(error.what, where=origin) from error
        return Emulator(core, qemu, _root(core, abi), runner_for(abi), library, origin)

    def words(self, *arguments: str, plugin: str | None = None) -> list[str]:
        """The command line of the runner with these arguments; `plugin` is qemu's ``-plugin``."""
        extra = [] if plugin is None else ["-plugin", plugin]
        return [
            str(self.qemu),
            *extra,
            *("-L", str(self.root), "-cpu", self.core.model),
            str(self.runner),
            *("--library", str(self.library)),
            *arguments,
        ]

    def version(self) -> str:
        """Of qemu."""
        done = subprocess.run([str(self.qemu), "--version"], capture_output=True, text=True, errors="replace")
        words = done.stdout.split()
        return words[words.index("version") + 1] if "version" in words[:-1] else "unknown"


def _root(core: Core, abi: Abi) -> Path:
    """The folder for ``-L``: files that a program opens are looked up there first."""
    assert abi.sysroot is not None
    files = {
        "proc/cpuinfo": core.cpuinfo(),
        "sys/devices/system/cpu/possible": f"0-{PROCESSORS - 1}\n",
        "sys/devices/system/cpu/present": f"0-{PROCESSORS - 1}\n",
    }
    key = hashlib.sha256(repr((files, str(abi.sysroot))).encode()).hexdigest()[:16]
    path = cache_root() / "devices" / f"root-{core.name}-{key}"
    if not path.is_dir():
        with exclusive(path):
            if not path.is_dir():
                with atomic_dir(path) as temporary:
                    for name, text in files.items():
                        (temporary / name).parent.mkdir(parents=True, exist_ok=True)
                        (temporary / name).write_text(text, encoding="ascii")
                    (temporary / "lib").symlink_to(abi.sysroot / "lib")
    return path
