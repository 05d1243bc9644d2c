"""Load one model file and run it once: started by `edgeir.runtime.trial` as a process that may crash.

    python -P trial_child.py {litert,onnxruntime} MODEL SIDE

SIDE stands for every open dimension of the input. Ends with 0 when the file ran; with one of the codes below, and the
reason on stdout, when it did not; any other end is a crash. Imports numpy and the runtime, nothing of edgeir, so that
it starts quickly.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

CANNOT_IMPORT, CANNOT_LOAD, CANNOT_RUN = 85, 86, 87
"""No codes that a crash ends with: 3 is what `abort` gives on Windows, 128 and more are signals in a shell."""


def main(runtime: str, model: str, side: int) -> int:
    """Run the file with one thread; the exit code."""
    _crash_quietly()
    code = CANNOT_IMPORT
    try:
        load = (_litert if runtime == "litert" else _onnxruntime)()
        code = CANNOT_LOAD
        run = load(model, side)
        code = CANNOT_RUN
        run()
    except Exception as error:  # runtimes raise whatever they like
        sys.stdout.write((str(error).splitlines() or [type(error).__name__])[0][:200])
        return code
    return 0


Load = Callable[[str, int], Callable[[], Any]]


def _litert() -> Load:
    from ai_edge_litert.interpreter import Interpreter

    def load(model: str, side: int) -> Callable[[], Any]:
        interpreter = Interpreter(model_path=model, num_threads=1)
        interpreter.allocate_tensors()

        def run() -> None:
            for entry in interpreter.get_input_details():
                interpreter.set_tensor(entry["index"], _pattern(tuple(entry["shape"]), entry["dtype"]))
            interpreter.invoke()
            for exit_ in interpreter.get_output_details():
                interpreter.get_tensor(exit_["index"])

        return run

    return load


def _onnxruntime() -> Load:
    import onnxruntime

    def load(model: str, side: int) -> Callable[[], Any]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        providers = ["CPUExecutionProvider"]
        session = onnxruntime.InferenceSession(model, options, providers=providers, enable_fallback=0)

        def run() -> None:
            dtypes = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
            feed = {}
            for entry in session.get_inputs():
                if entry.type not in dtypes:
                    return  # no image: the comparison with the manifest says so
                shape = tuple(size if isinstance(size, int) else side for size in entry.shape)
                feed[entry.name] = _pattern(shape, dtypes[entry.type])
            session.run(None, feed)

        return run

    return load


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
