"""Measurements that need a process of their own: peak memory, and the machine's matrix product rate.

``python -m edgeir.benchmarking.timing.child memory|gemm [--trust-code] ARGUMENTS`` does it and writes one JSON line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from edgeir.core.errors import EdgeIRError
from edgeir.core.trust import code_is_trusted, trusting_code

__all__ = ["gemm_rate", "peak_memory", "peak_mib"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
GEMM_SIZE = 1024
GEMM_REPEATS = 20
MEMORY_RUNS = 2
TRUST = "--trust-code"


def peak_memory(
    model: str | Path, *, runtime: str, threads: int, height: int, width: int
) -> dict[str, float | None]:
    """Largest resident memory (MiB) of a new process that loads `model` and runs it twice.

    Returns:
        ``import_mib`` before loading the model (Python, numpy, the runtime's library), ``peak_mib`` at the end; None
        where the system does not say (Windows).

    Raises:
        EdgeIRError: the process failed.
    """
    trust = [TRUST] if code_is_trusted() else []  # a process of its own does not inherit it
    words = (str(model), runtime, str(threads), str(height), str(width))
    return _child("memory", *trust, *words, threads=threads)


def gemm_rate(threads: int) -> float:
    """Multiply-accumulates per second, in billions, of numpy's fp32 product of two 1024x1024 matrices (best of 20).

    Raises:
        EdgeIRError: the process failed.
    """
    return float(_child("gemm", threads=threads)["gmac_s"])


def _child(*arguments: str, threads: int) -> dict[str, Any]:
    package = str(Path(__file__).resolve().parents[2])
    # A network of another package is looked for where this process found it.
    trusted = sys.path if code_is_trusted() else ()
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH"), *trusted])]
    settings = (
        os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"PYTHONPATH": os.pathsep.join(paths)}
    )
    command = [sys.executable, "-m", "edgeir.benchmarking.timing.child", *arguments]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise EdgeIRError(f"the measuring process failed: {reason}", where=" ".join(arguments))
    value: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return value


def peak_mib() -> float | None:
    """Largest resident memory of this process; None where the system does not say (Windows).

    VmHWM on Linux, which is not inherited from the parent; elsewhere the resource usage's peak.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def _memory(model: str, runtime: str, threads: int, height: int, width: int) -> dict[str, float | None]:
    import contextlib
    import importlib

    from edgeir.benchmarking.timing.measure import runner
    from edgeir.runtime.catalog import runtime_entry
    from edgeir.runtime.loading import load
    from edgeir.runtime.session import RemoteSession

    with contextlib.suppress(ModuleNotFoundError):  # it may be in the environment of a process of its own
        importlib.import_module(runtime_entry(runtime).module)
    before = peak_mib()
    session = load(model, runtime=runtime, threads=threads)
    run, _ = runner(session, height, width, count=1)
    for index in range(MEMORY_RUNS):
        run(index)
    after = peak_mib()
    if isinstance(session, RemoteSession):
        before, after = session.memory_mib()
    return {
        "import_mib": None if before is None else round(before, 1),
        "peak_mib": None if after is None else round(after, 1),
    }


def _gemm() -> dict[str, float]:
    import numpy as np

    a, b = np.random.default_rng(0).random((2, GEMM_SIZE, GEMM_SIZE), dtype=np.float32)
    out = np.empty_like(a)
    best = float("inf")
    for _ in range(GEMM_REPEATS):
        began = time.perf_counter()
        np.matmul(a, b, out=out)
        best = min(best, time.perf_counter() - began)
    return {"gmac_s": round(GEMM_SIZE**3 / best / 1e9, 2)}


def main(arguments: list[str]) -> int:
    """Measure what the first argument names."""
    try:
        if arguments[0] == "gemm":
            value: dict[str, Any] = _gemm()
        else:
            trusted = arguments[1] == TRUST
            model, runtime, *numbers = arguments[2 if trusted else 1 :]
            with trusting_code(trusted):
                value = _memory(model, runtime, *map(int, numbers))
    except EdgeIRError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(value) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
