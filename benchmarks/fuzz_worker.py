"""The process of `fuzz_files.py` that damages, loads and runs one file after the other; its death is a finding.

    python fuzz_worker.py ARTIFACT KIND FIRST END LOG (forked | fresh)

One line for each file is appended to LOG: seed, outcome, a note. `forked`: children that edgeir starts for a file are
forked by `fork_server`; `fresh`: they are started as edgeir starts them, and a zip is verified by the command line.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from fork_server import MEMORY, ForkServer, limit_memory
from fuzz_damage import damaged, damaged_zip
from fuzz_subjects import READER, SIDE, python_of

from edgeir.core.errors import EdgeIRError
from edgeir.core.files import sha256_tree
from edgeir.exporting.bundle.verify import verify
from edgeir.exporting.inspect.run import inspect
from edgeir.manifest.bundle import BUNDLE_NAME
from edgeir.runtime import ncnn, tensorflow, trial, worker
from edgeir.runtime.loading import load

TRIED = {"tflite": "ai_edge_litert.interpreter", "onnx": "onnxruntime", "ort": "onnxruntime"}
"""Formats whose files are tried in a child, and the package that runs them."""
SERVED = {"ncnn": "ncnn", "pb": "tensorflow"}
"""Formats whose files run in a child each time."""
UNNAMED = "error without the file's name"


def main(artifact: Path, kind: str, first: int, end: int, log: Path, children: str) -> None:
    """Damage, load and run the files of these seeds."""
    target = kind.partition("-")[0]
    server = forking(target, kind) if children == "forked" else None
    seen: Zip | Model
    if kind == "zip":
        seen = Zip(artifact, fresh=children == "fresh")
    else:
        seen = Reader(artifact) if kind == READER else Model(artifact)
    limit_memory(MEMORY + (1 << 30))  # what a child had is enough here
    with log.open("a", encoding="utf-8") as lines, tempfile.TemporaryDirectory() as folder:
        for seed in range(first, end):
            try:
                outcome, note = seen.tried(Path(folder), seed)
            except EdgeIRError as error:
                outcome, note = judged(error, folder), str(error).replace(folder, "…")
            memory = 0.0 if server is None else server.most_mib
            lines.write(f"{seed}\t{outcome}\t{note[:250]!a}\t{memory:.0f}\n")
            lines.flush()


def forking(target: str, kind: str) -> ForkServer | None:
    """Let edgeir fork its children for the files of a format; None where it has none."""
    if kind == READER:
        tensorflow.Worker = passed  # type: ignore[assignment, misc]
        return None
    if target in TRIED:
        server = ForkServer(
            trial.CHILD, ["numpy", TRIED[target]], python=sys.executable, MALLOC_PERTURB_="165"
        )
        trial._run = server.run
        return server
    if target in SERVED:
        python = python_of(kind) or sys.executable
        server = ForkServer(worker.CHILD, ["numpy", SERVED[target]], python=python)
        worker.subprocess = SimpleNamespace(  # type: ignore[assignment]
            Popen=server.popen,
            PIPE=subprocess.PIPE,
            DEVNULL=subprocess.DEVNULL,
            TimeoutExpired=subprocess.TimeoutExpired,
        )
        ncnn.LIMIT_S = tensorflow.LIMIT_S = 60.0
        return server
    return None


def judged(error: EdgeIRError, folder: str) -> str:
    """What kind of refusal an error is."""
    if folder not in str(error):
        return UNNAMED
    if "the file crashes" in error.what:
        return "crashed the child"
    late = "did not finish" in error.what or "was not done" in error.what
    return "out of time" if late else "refused"


class Model:
    """The files of an artifact: the manifest is made to fit, as if both came from one author."""

    def __init__(self, artifact: Path) -> None:
        self._model = next(artifact.glob("model.*"))
        self._manifest = json.loads((artifact / "artifact.json").read_text())
        inside = sorted(path for path in self._model.rglob("*") if path.is_file())
        self._parts = inside or [self._model]
        self._originals = [part.read_bytes() for part in self._parts]
        self._image = np.random.default_rng(0).random((SIDE, SIDE, 3), dtype=np.float32)
        self._expected = self._ran(artifact)

    def tried(self, folder: Path, seed: int) -> tuple[str, str]:
        """Outcome and note."""
        place = folder / self._model.name
        chosen = seed % len(self._parts)
        if self._model.is_dir():
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(self._model, place)
        victim = place / self._parts[chosen].relative_to(self._model)
        victim.write_bytes(damaged(self._originals[chosen], seed))
        self._manifest["files"][0]["sha256"] = sha256_tree(place)
        (folder / "artifact.json").write_text(json.dumps(self._manifest))
        try:
            inspect(place)
        except EdgeIRError as error:
            if str(folder) not in str(error):
                return UNNAMED, f"inspect: {error}"
        same = np.array_equal(self._ran(folder), self._expected, equal_nan=True)
        return ("same image" if same else "another image"), ""

    def _ran(self, folder: Path) -> Any:
        session = load(folder)
        try:
            return session.run(self._image).copy()
        finally:
            session.close()


class PassedError(Exception):
    """The file passed every check before a runtime would get it."""


def passed(*_: Any, **__: Any) -> Any:
    """In place of `edgeir.runtime.worker.Worker`."""
    raise PassedError


class Reader(Model):
    """Files that are not run."""

    def tried(self, folder: Path, seed: int) -> tuple[str, str]:
        """Outcome and note."""
        outcome, note = super().tried(folder, seed)
        return ("read" if outcome == "same image" else outcome), note

    def _ran(self, folder: Path) -> Any:
        try:
            return super()._ran(folder)
        except PassedError:
            return np.zeros(1)


class Zip:
    """A bundle, verified."""

    def __init__(self, artifact: Path, *, fresh: bool) -> None:
        self._content = (artifact / "model.zip").read_bytes()
        self._members = members(artifact / "model.zip")
        self._fresh = fresh

    def tried(self, folder: Path, seed: int) -> tuple[str, str]:
        """Outcome and note."""
        path = folder / "model.zip"
        path.write_bytes(damaged_zip(self._content, seed))
        faults = self._by_command(path) if self._fresh else [fault.what for fault in verify(path).faults]
        if faults:
            return "refused", faults[0]
        found = members(path)
        differing = {name for name in {*found, *self._members} if found.get(name) != self._members.get(name)}
        if not differing:
            return "same content", ""
        if differing == {BUNDLE_NAME}:  # it has no checksum of its own
            return "another manifest", ""
        return "changed content accepted", ", ".join(sorted(differing))

    def _by_command(self, path: Path) -> list[str]:
        words = [sys.executable, "-m", "edgeir", "verify", str(path), "--quiet"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return []
        said = done.stderr.strip().splitlines()
        if done.returncode != 2 or len(said) != 1:
            raise RuntimeError(f"edgeir verify ended with {done.returncode}: {said[-1:]}")
        raise EdgeIRError(said[0])


def members(path: Path) -> dict[str, bytes]:
    """The members of a zip by name."""
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]), sys.argv[6])
