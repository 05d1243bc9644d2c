"""What is made once and kept in the cache folder: the runner for each processor, and the library that it opens.

Everything is named by the hash of what it is made of, so that a change makes it anew. ``python -m
edgeir.devices.runner.built FOLDER [ABI …]`` (``make runner``) writes the programs into a folder.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from edgeir.core.assets import runner_sources
from edgeir.core.cache import cache_root
from edgeir.core.errors import EdgeIRError
from edgeir.core.files import atomic_file, exclusive, file_stamp, give_default_mode
from edgeir.devices.runner.elf import without_dependencies
from edgeir.devices.runner.toolchain import ABIS, CFLAGS, LIBRARIES, Abi, abi_named, compile_c, tool

__all__ = ["kept", "library_for", "runner_for", "source"]

SOURCES = ("runner.c", "bionic.c", "lite.h")


def source(name: str) -> Path:
    """One of the runner's C sources."""
    return runner_sources() / name


def kept(name: str, made_of: bytes, make: Callable[[Path], None]) -> Path:
    """The file of this name and origin in the cache folder; `make` writes it into the path given where it is missing.

    Args:
        name: what it is, with its suffix.
        made_of: everything that its content depends on.
    """
    stem, _, suffix = name.partition(".")
    key = hashlib.sha256(made_of).hexdigest()[:16]
    path = cache_root() / "devices" / f"{stem}-{key}{f'.{suffix}' if suffix else ''}"
    if not path.is_file():
        with exclusive(path):
            if not path.is_file():
                with atomic_file(path) as temporary:
                    make(temporary)
    return path


def runner_for(abi: Abi) -> Path:
    """The runner for a processor, compiled where it is not in the cache.

    Raises:
        DeviceError: the compiler is missing or fails.
    """
    compiler = tool(abi.compiler, abi.packages)
    words = (*CFLAGS, *abi.flags)
    texts = [source(name).read_bytes() for name in SOURCES]
    made_of = b"\0".join([*texts, " ".join([*words, *LIBRARIES]).encode(), file_stamp(compiler).encode()])

    def make(path: Path) -> None:
        files = [str(source(name)) for name in SOURCES if name.endswith(".c")]
        compile_c(compiler, (*words, "-o", str(path), *files, *LIBRARIES), packages=abi.packages)

    path = kept(f"runner-{abi.name}", made_of, make)
    if not path.stat().st_mode & 0o100:
        path.chmod(0o755)
    return path


def library_for(abi: Abi, content: bytes) -> Path:
    """Android's library, made fit for the runner (`without_dependencies`); `content` is the library as published.

    Raises:
        DeviceError: it is no library for this processor.
    """
    patched = without_dependencies(content, abi.name)

    def make(path: Path) -> None:
        path.write_bytes(patched)

    return kept(f"library-{abi.name}.so", patched, make)


def _write(folder: Path, names: list[str]) -> int:
    """Build for the ABIs named, or for each whose compiler is here."""
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for abi in [abi_named(name) for name in names] or ABIS:
        try:
            path = folder / f"runner-{abi.name}"
            shutil.copyfile(runner_for(abi), path)
            give_default_mode(path)
            path.chmod(path.stat().st_mode | 0o111)
            sys.stdout.write(f"{path}\n")
        except EdgeIRError as error:
            failed += 1
            sys.stderr.write(f"no runner for {abi.name}: {error}\n")
    return 1 if failed and (names or failed == len(ABIS)) else 0


if __name__ == "__main__":
    sys.exit(_write(Path(sys.argv[1]), sys.argv[2:]))
