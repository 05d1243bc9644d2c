"""Run a float LiteRT graph on calibration images and record the values of every tensor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeir.core.requires import require
from edgeir.quantize.observers import BINS, Observation
from edgeir.runtime.quiet import libraries_silenced

__all__ = ["interpret", "observe"]


def interpret(model: bytes, shape: tuple[int, ...]) -> object:
    """A one-thread interpreter of `model`, resized to the input `shape`, that keeps every intermediate tensor."""
    litert = require("ai_edge_litert.interpreter", "calibrating an int8 export")
    with libraries_silenced():
        interpreter = litert.Interpreter(
            model_content=model, num_threads=1, experimental_preserve_all_tensors=True
        )
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], list(shape))
        interpreter.allocate_tensors()
    return interpreter


def observe(model: bytes, names: Sequence[str], images: NDArray[np.float32]) -> dict[str, Observation]:
    """Ranges, histograms and channel statistics of the named tensors.

    Args:
        model: a float LiteRT model whose operators accept any input size.
        names: the computed tensors to watch.
        images: (N, H, W, 3) calibration inputs in [0, 1].
    """
    interpreter: object = interpret(model, (1, *images.shape[1:]))
    entry = interpreter.get_input_details()[0]["index"]  # type: ignore[attr-defined]
    indices = {d["name"]: d["index"] for d in interpreter.get_tensor_details()}  # type: ignore[attr-defined]
    result: dict[str, Observation] = {}
    for counting in (False, True):  # the second pass fills the histograms between the limits of the first
        for image in images:
            interpreter.set_tensor(entry, image[None])  # type: ignore[attr-defined]
            interpreter.invoke()  # type: ignore[attr-defined]
            for name in names:
                value = interpreter.get_tensor(indices[name])  # type: ignore[attr-defined]
                if counting:
                    seen = result[name]
                    seen.counts += np.histogram(value, BINS, seen.limits)[0]
                else:
                    _extend(result, name, value, len(images))
    return result


def _extend(result: dict[str, Observation], name: str, value: NDArray[np.float32], images: int) -> None:
    axes = tuple(range(value.ndim - 1))
    high, mean = value.max(axes).astype(np.float64), value.mean(axes, dtype=np.float64) / images
    low = float(value.min())
    seen = result.get(name)
    if seen is None:
        result[name] = Observation(low, float(high.max()), high, mean, np.zeros(BINS))
        return
    seen.follow(low, float(high.max()))
    seen.channel_high = np.maximum(seen.channel_high, high)
    seen.channel_mean = seen.channel_mean + mean
