"""Android's x86-64 library in an ordinary JVM: the library made fit for glibc, and what it needs loaded before it.

    python -m edgeir.devices.runner.jvm FOLDER
    LD_PRELOAD=FOLDER/libbionic.so java -Djava.library.path=FOLDER …

Java that uses ``org.tensorflow.lite`` then runs with the very library that an app ships.
"""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from edgeir.core.errors import DeviceError, EdgeIRError
from edgeir.core.files import give_default_mode
from edgeir.devices.runner.built import kept, library_for, source
from edgeir.devices.runner.library import NAME, read_library
from edgeir.devices.runner.toolchain import CFLAGS, abi_named, compile_c, tool

__all__ = ["PRELOADED", "write_jvm"]

PRELOADED = "libbionic.so"
"""What `LD_PRELOAD` names."""
ABI = "x86_64"
FLAGS = (*(flag for flag in CFLAGS if flag != "-rdynamic"), "-shared", "-fPIC")
NEEDED = ("-ldl", "-lm", "-lpthread")


def write_jvm(folder: Path) -> None:
    """Write the library and `PRELOADED` into a folder.

    Raises:
        DeviceError: another machine than Linux on x86-64, no C compiler, or no library; `fix` says what helps.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise DeviceError("Android's x86-64 library runs on Linux on x86-64 only")
    content, _ = read_library(ABI)
    library, preloaded = library_for(abi_named(ABI), content), _preloaded()
    folder.mkdir(parents=True, exist_ok=True)
    for origin, name in ((library, NAME), (preloaded, PRELOADED)):
        shutil.copyfile(origin, folder / name)
        give_default_mode(folder / name)


def _preloaded() -> Path:
    abi = abi_named(ABI)
    compiler = tool(abi.compiler, abi.packages)
    text = source("bionic.c")

    def make(path: Path) -> None:
        compile_c(compiler, (*FLAGS, "-o", str(path), str(text), *NEEDED), packages=abi.packages)

    return kept(PRELOADED, text.read_bytes() + " ".join([*FLAGS, *NEEDED]).encode(), make)


def _main(folder: Path) -> int:
    try:
        write_jvm(folder)
    except EdgeIRError as error:
        sys.stderr.write(f"no library for the JVM: {error}\n")
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
