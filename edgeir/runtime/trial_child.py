"""Load one model file and run it once: started by `edgeir.runtime.trial` as a process that may crash.

    python -P trial_child.py LOADER MODEL SIDE

LOADER is a file with a function `load(model, side, pattern)`, which gives the function that runs the model.
SIDE stands for every open dimension of the input. Ends with 0 when the file ran; with one of the codes below, and the
reason on stdout, when it did not; any other end is a crash. Imports numpy and the runtime, nothing of edgeir, so that
it starts quickly.
"""

from __future__ import annotations

import contextlib
import runpy
import sys
from typing import Any

CANNOT_IMPORT, CANNOT_LOAD, CANNOT_RUN = 85, 86, 87
"""No codes that a crash ends with: 3 is what `abort` gives on Windows, 128 and more are signals in a shell."""


def main(loader: str, model: str, side: int) -> int:
    """Run the file with one thread; the exit code."""
    _crash_quietly()
    code = CANNOT_IMPORT
    try:
        load = runpy.run_path(loader)["load"]
        code = CANNOT_LOAD
        run = load(model, side, _pattern)
        code = CANNOT_RUN
        run()
    except Exception as error:  # runtimes raise whatever they like
        sys.stdout.write((str(error).splitlines() or [type(error).__name__])[0][:200])
        return code
    return 0


def _pattern(shape: tuple[int, ...], dtype: Any) -> Any:
    """Values of every size, the same each time: what a file does may depend on them."""
    import numpy as np

    levels = np.arange(int(np.prod(shape)), dtype=np.uint32) * np.uint32(2654435761) >> np.uint32(24)
    kind = np.dtype(dtype)
    values = (
        levels / 255
        if kind.kind == "f"
        else levels.astype(np.uint8).view(kind)
        if kind.itemsize == 1
        else levels
    )
    return values.reshape(shape).astype(kind)


def _crash_quietly() -> None:
    """No core file, no dialog."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetErrorMode(0x0001 | 0x0002 | 0x8000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
