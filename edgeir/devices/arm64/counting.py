"""Count the instructions of one inference by kind, with a qemu plugin (``export/runner/count.c``).

The second run is counted: the first also fills XNNPACK's tables. The figures are exact, the same each time. They are
not time: a core does several at once, and waits for memory.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgeir.core.errors import DeviceError
from edgeir.core.files import file_stamp, scratch_dir
from edgeir.devices.arm64.emulator import QEMU_PACKAGE, Emulator
from edgeir.devices.runner.built import kept, source
from edgeir.devices.runner.process import run_once
from edgeir.devices.runner.toolchain import compile_c, host_compiler

__all__ = ["COUNTER_FLAGS", "TOTAL", "counted", "counter"]

TOTAL = "total"
KNOWN = ("7", "8")
"""Major versions of qemu whose plugins have the interface that count.c declares."""
COUNTER_FLAGS = ("-O2", "-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden")


def counter() -> Path:
    """The plugin, compiled for this machine where it is not in the cache.

    Raises:
        DeviceError: there is no C compiler here, or it fails.
    """
    compiler = host_compiler()
    made_of = source("count.c").read_bytes() + file_stamp(compiler).encode() + repr(COUNTER_FLAGS).encode()

    def make(path: Path) -> None:
        words = (*COUNTER_FLAGS, "-o", str(path), str(source("count.c")))
        compile_c(compiler, words, packages="gcc libc6-dev")

    return kept("count.so", made_of, make)


def counted(
    emulator: Emulator, model: Path, *, title: str, limit_s: float
) -> tuple[dict[str, int], dict[str, Any]]:
    """Instructions of one inference of a model file by kind, with their `TOTAL`; and what the runner said.

    Raises:
        ArtifactError: the library cannot run the file.
        DeviceError: the plugin cannot be compiled, or this qemu takes no such plugin.
    """
    _check_version(emulator)
    with scratch_dir("count") as scratch:
        result = scratch / "counts.json"
        words = emulator.words(
            *("--model", str(model), "--warmup", "1", "--runs", "1", "--mark"),
            plugin=f"{counter()},out={result}",
        )
        said = run_once(words, model, title=title, limit_s=limit_s)
        if not result.is_file():
            raise DeviceError(
                "the emulator did not count", where=emulator.qemu,
                fix=f"apt-get install {QEMU_PACKAGE} (the static one takes no plugin)",
            )  # fmt: skip
        found: dict[str, int] = json.loads(result.read_text(encoding="ascii"))
    return found, said


def _check_version(emulator: Emulator) -> None:
    """The plugin speaks version 1 of the interface, which qemu dropped."""
    version = emulator.version()
    if version.partition(".")[0] not in KNOWN:
        raise DeviceError(
            f"instructions are counted with qemu {KNOWN[0]} or {KNOWN[-1]}, not {version}", where=emulator.qemu,
            fix="the package qemu-user of Debian 12 or Ubuntu 24.04 has one",
        )  # fmt: skip
