"""What travels to a phone beside the model: the runner, the library, their dynamic linker and C library."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from edgeir.devices.phone.store import Store
from edgeir.devices.runner.built import library_for, runner_for
from edgeir.devices.runner.library import read_library
from edgeir.devices.runner.needs import companions
from edgeir.devices.runner.toolchain import abi_named

__all__ = ["Kit", "build_kit", "runner_words"]

RUNNER, LIBRARY = "runner", "library.so"


@dataclass(frozen=True)
class Kit:
    """The files of a kit, by the names that they have on the phone, and the linker's name among them.

    Attributes:
        origin: the file that the library was taken from.
    """

    files: dict[str, Path]
    linker: str
    origin: Path

    def send(self, store: Store, scratch: Path) -> None:
        """Copy all of it into the store's folder for the runner, in one go."""
        for name, path in self.files.items():
            shutil.copyfile(path, scratch / name)
        store.send_all([scratch / name for name in self.files])


def build_kit(abi_name: str) -> Kit:
    """Find and build everything for a processor.

    Raises:
        DeviceError: the compiler, the C library or TensorFlow Lite's library is missing; the message says how to
            get it.
    """
    abi = abi_named(abi_name)
    content, origin = read_library(abi.name)
    runner = runner_for(abi)
    linker, libraries = companions(runner, abi)
    files = {RUNNER: runner, LIBRARY: library_for(abi, content)}
    files |= {path.name: path for path in (linker, *libraries)}
    return Kit(files, linker.name, origin)


def runner_words(folder: str, linker: str) -> str:
    """The shell's words that start the runner in this folder, with its library."""
    return f"{folder}/{linker} --library-path {folder} {folder}/{RUNNER} --library {folder}/{LIBRARY}"
