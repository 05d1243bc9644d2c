"""Run one ``.tflite`` file once on whatever LiteRT or TensorFlow Lite is importable (see ``old_runtimes.py``).

    python old_runtime_worker.py MODEL INPUT.npy OUTPUT.npy {xnnpack,plain} RUNS

Needs numpy and the runtime only. Prints one JSON line: the version it found, milliseconds of the fastest of RUNS runs,
or the error.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np


def interpreter_module() -> Any:
    """The interpreter of ai-edge-litert, or that of tflite-runtime."""
    try:
        from ai_edge_litert import interpreter
    except ImportError:
        from tflite_runtime import interpreter
    return interpreter


def main(model: str, given: str, out: str, mode: str, runs: str) -> None:
    """Load, run, save the output, say how it went."""
    module = interpreter_module()
    kinds = module.OpResolverType
    kind = kinds.AUTO if mode == "xnnpack" else kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        runner = module.Interpreter(model_path=model, num_threads=1, experimental_op_resolver_type=kind)
        runner.allocate_tensors()
        entry, exit_ = runner.get_input_details()[0], runner.get_output_details()[0]
        image = np.load(given)
        times = []
        for _ in range(int(runs)):
            runner.set_tensor(entry["index"], image)
            start = time.perf_counter()
            runner.invoke()
            times.append(time.perf_counter() - start)
        np.save(out, runner.get_tensor(exit_["index"]))
    except (ValueError, RuntimeError) as error:
        print(json.dumps({"error": " ".join(str(error).split())[:200]}))
        return
    print(json.dumps({"ms": round(1000 * min(times), 3)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
