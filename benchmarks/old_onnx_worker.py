"""Run one ``.onnx`` or ``.ort`` file on whatever ONNX Runtime or OpenCV is importable (see ``old_onnx.py``).

    python old_onnx_worker.py MODEL INPUT.npy OUTPUT.npy {optimised,plain,dnn} RUNS
    python old_onnx_worker.py FOLDER - - stamps 1

Needs numpy and the runtime only. `optimised` and `plain` are ONNX Runtime with and without its graph optimiser, `dnn`
is OpenCV's. Prints one JSON line: milliseconds of the fastest of RUNS runs, or the error. `stamps` loads every file
``NAME-NUMBER.onnx`` of a folder and prints the largest number of each name that ONNX Runtime took.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def main(model: str, given: str, out: str, mode: str, runs: str) -> None:
    """Load, run, save the output, say how it went."""
    if mode == "stamps":
        print(json.dumps(stamps(Path(model))))
        return
    try:
        run = loaded_by_opencv(model) if mode == "dnn" else loaded_by_onnxruntime(model, mode)
        image = np.load(given)
        times = []
        for _ in range(int(runs)):
            start = time.perf_counter()
            result = run(image)
            times.append(time.perf_counter() - start)
        np.save(out, result)
    except Exception as error:  # neither runtime's exceptions share a public base
        print(json.dumps({"error": " ".join(str(error).split())[:200]}))
        return
    print(json.dumps({"ms": round(1000 * min(times), 3)}))


def loaded_by_onnxruntime(model: str, mode: str) -> Callable[[Any], Any]:
    """A function from input to output."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    if mode == "plain":
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda image: session.run(["restored"], {"image": image})[0]


def loaded_by_opencv(model: str) -> Callable[[Any], Any]:
    """A function from input to output."""
    import cv2

    cv2.setNumThreads(1)
    network = cv2.dnn.readNetFromONNX(model)

    def run(image: Any) -> Any:
        network.setInput(image)
        return network.forward()

    return run


def stamps(folder: Path) -> dict[str, int]:
    """The newest stamp of each kind that is read."""
    newest: dict[str, int] = {}
    for path in folder.glob("*.onnx"):
        name, _, number = path.stem.partition("-")
        with contextlib.suppress(Exception):  # refused
            loaded_by_onnxruntime(str(path), "plain")
            newest[name] = max(newest.get(name, 0), int(number))
    return newest


if __name__ == "__main__":
    main(*sys.argv[1:])
