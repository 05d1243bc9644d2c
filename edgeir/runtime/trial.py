"""A model file is run for the first time in a process of its own.

Runtimes trust what a file says of itself: of some thousand files with a few changed bytes, one ends the whole process
with a segmentation fault, which no ``except`` catches. So a file that this machine has not met is loaded and run once
by `trial_child`; if that process crashes, the file is refused in one line. What ran is remembered by the SHA-256 of the
file and the version of the runtime (an empty file each, below `cache_root`), so that the child costs only the first
load: 0.1 to 0.2 s of one core, the network's own run apart.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
import subprocess
from pathlib import Path

from edgeir.core.cache import cache_root
from edgeir.core.errors import ArtifactError
from edgeir.manifest.artifact import Artifact, ModelFile
from edgeir.runtime import catalog
from edgeir.runtime.child_process import NO_WINDOW, can_start, command, ending, environment
from edgeir.runtime.trial_child import CANNOT_IMPORT, CANNOT_LOAD, CANNOT_RUN

__all__ = ["DAMAGED", "run_first_in_child"]

CHILD = Path(__file__).with_name("trial_child.py")
DAMAGED = "it is damaged: export it again, or get it anew"
SIDE = 32
"""Least height and width of the image that a file of any size is tried on."""
PATIENCE_S, SLOWEST_MACS_S, MOST_MACS = 120.0, 1e9, 10**13
"""The child may take this long, and a second more for so many multiply-accumulates of the network (as the manifest
says, which may say anything)."""


def run_first_in_child(model: Path, artifact: Artifact, file: ModelFile, runtime: str) -> bytes:
    """The content of the file `model`, once it is known to be loaded and run without a crash.

    A file that the child could load but not run passes: running it here raises the reason. Where no child can be
    started (an application that was frozen into one program) nothing is tried.

    Raises:
        ArtifactError: it cannot be read, the child crashed, was not done in time, or could not load it. What a damaged
            file does depends on what happens to be in memory, so what the child refuses is not loaded here.
    """
    try:
        content = model.read_bytes()
    except OSError as error:
        raise ArtifactError(f"cannot be read: {error.strerror}", where=model) from error
    if not can_start():
        return content
    mark = _mark(hashlib.sha256(content).hexdigest(), runtime)
    if not mark.is_file():
        _try(model, artifact, file, runtime, mark)
    return content


def _try(model: Path, artifact: Artifact, file: ModelFile, runtime: str, mark: Path) -> None:
    entry = catalog.runtime_entry(runtime)
    loader = CHILD.with_name(f"{runtime}_trial.py")
    multiple = artifact.facts.size_multiple
    side = multiple * -(-SIDE // multiple)
    patience = PATIENCE_S + min(file.macs, MOST_MACS) / SLOWEST_MACS_S
    try:
        code, reason = _run(command(CHILD, str(loader), str(model), str(side)), patience)
    except subprocess.TimeoutExpired as error:
        raise ArtifactError(
            f"{entry.title} did not finish a first run of the file in {patience:.0f} s",
            where=model,
            fix="export it again, or get the file anew",
        ) from error
    except OSError:
        return  # no process can be started here
    if code == 0:
        with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
    elif code == CANNOT_LOAD:
        raise ArtifactError(f"{entry.title} cannot load it: {reason}", where=model)
    elif code not in (CANNOT_IMPORT, CANNOT_RUN):
        raise ArtifactError(
            f"the file crashes {entry.title} ({ending(code)})",
            where=model,
            fix=DAMAGED,
        )


def _mark(sha256: str, runtime: str) -> Path:
    """The empty file that says that this one ran before."""
    version = catalog.runtime_entry(runtime).version
    return cache_root() / "trials" / f"{runtime}-{version}-{platform.machine()}" / sha256


def _run(words: list[str], seconds: float) -> tuple[int, str]:
    """Exit code and output of a process that sees the modules that this one sees, and shows nothing.

    glibc fills its memory with `MALLOC_PERTURB_`, so that a file that makes the runtime read what nobody wrote does not
    get by on zeros.
    """
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=seconds,
        env=environment(MALLOC_PERTURB_="165"),
        creationflags=NO_WINDOW,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace").strip()
