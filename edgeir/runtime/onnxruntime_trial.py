"""How ONNX Runtime loads and runs a file for the first time: a part of `trial_child`, read from its path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnxruntime

__all__ = ["load"]

Pattern = Callable[[tuple[int, ...], Any], Any]
"""Shape and dtype to values of every size."""


def load(model: str, side: int, pattern: Pattern) -> Callable[[], Any]:
    """Load the file; the function that comes back runs it once."""
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
            feed[entry.name] = pattern(shape, dtypes[entry.type])
        session.run(None, feed)

    return run
