"""What the runner is built for: Android's ABIs, each with the compiler that makes programs of it on Linux."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edgeir.core.errors import DeviceError

__all__ = ["ABIS", "CFLAGS", "LIBRARIES", "Abi", "abi_named", "compile_c", "host_compiler", "tool"]

CFLAGS = ("-O2", "-std=gnu11", "-rdynamic", "-fno-builtin", "-fno-stack-protector")
LIBRARIES = ("-Wl,--no-as-needed", "-lm", "-ldl", "-lpthread")
"""The library's own list of what it needs was taken out: what it needs comes with the runner."""
SECONDS = 120


@dataclass(frozen=True)
class Abi:
    """A processor as Android names it.

    Attributes:
        name: also of the folder in Android's packages.
        compiler: the program.
        flags: that it needs.
        packages: Debian's, which hold the compiler and the C library.
        sysroot: the folder whose ``lib`` holds the dynamic linker and the C library; None for this machine.
    """

    name: str
    compiler: str
    flags: tuple[str, ...]
    packages: str
    sysroot: Path | None


ABIS = (
    Abi(
        "arm64-v8a",
        "aarch64-linux-gnu-gcc",
        (),
        "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
        Path("/usr/aarch64-linux-gnu"),
    ),
    Abi(
        "armeabi-v7a",
        "arm-linux-gnueabi-gcc",
        ("-march=armv7-a", "-mfloat-abi=softfp", "-mfpu=neon"),
        "gcc-arm-linux-gnueabi libc6-dev-armel-cross",
        Path("/usr/arm-linux-gnueabi"),
    ),
    Abi("x86_64", "gcc", (), "gcc libc6-dev", None),
)


def abi_named(name: str) -> Abi:
    """The ABI of Android's name; `KeyError` where there is none."""
    return {abi.name: abi for abi in ABIS}[name]


def host_compiler() -> Path:
    """This machine's C compiler.

    Raises:
        DeviceError: there is none.
    """
    return tool("gcc", "gcc libc6-dev")


def tool(name: str, packages: str) -> Path:
    """The path of a program.

    Raises:
        DeviceError: it is not installed; the message has the line that installs it.
    """
    found = shutil.which(name)
    if found is None:
        raise DeviceError(f"`{name}` is not installed", fix=f"apt-get install {packages}")
    return Path(found)


def compile_c(compiler: Path, words: tuple[str, ...], *, packages: str) -> None:
    """Run the compiler.

    Raises:
        DeviceError: it refuses; the message has its first error.
    """
    try:
        done = subprocess.run(
            [str(compiler), *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError(f"{compiler.name} cannot be run: {error}", where=compiler) from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise DeviceError(
            f"{compiler.name} cannot build the runner: {(lines or ['no message'])[0][:200]}",
            fix=f"apt-get install {packages}",
        )
