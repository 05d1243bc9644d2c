"""Load one model file and run it once: started by `edgeir.runtime.trial` as a process that may crash.

    python -P trial_child.py {litert,onnxruntime} MODEL SIDE

SIDE stands for every open dimension of the input. Ends with 0 when the file ran and with `REFUSED` when the runtime
said why not; any other end is a crash. Imports numpy and the runtime, nothing of edgeir, so that it starts quickly.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

REFUSED = 3


def main(runtime: str, model: str, side: int) -> int:
    """Run the file with one thread; the exit code."""
    _crash_quietly()
    try:
        (_litert if runtime == "litert" else _onnxruntime)(model, side)
    except Exception as error:  # whatever the runtime raises, the caller meets again
        sys.stderr.write(f"{type(error).__name__}: {error}")
        return REFUSED
    return 0


def _litert(model: str, side: int) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    for entry in interpreter.get_input_details():
        interpreter.set_tensor(entry["index"], _pattern(tuple(entry["shape"]), entry["dtype"]))
    interpreter.invoke()
    for exit_ in interpreter.get_output_details():
        interpreter.get_tensor(exit_["index"])


def _onnxruntime(model: str, side: int) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], enable_fallback=0
    )
    dtypes = {
        "tensor(float)": "float32",
        "tensor(float16)": "float16",
        "tensor(uint8)": "uint8",
        "tensor(int8)": "int8",
    }
    feed = {
        entry.name: _pattern(
            tuple(n if isinstance(n, int) else side for n in entry.shape), dtypes[entry.type]
        )
        for entry in session.get_inputs()
    }
    session.run(None, feed)


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
