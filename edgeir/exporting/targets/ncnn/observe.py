"""What a graph computes inside, on calibration images: run by ncnn in a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edgeir.core.files import scratch_dir
from edgeir.exporting.targets.ncnn.convert import Converted
from edgeir.quantize.observers import BINS, Observation
from edgeir.runtime.ncnn import LIMIT_S, LOADER
from edgeir.runtime.ncnn_file import BIN, PARAM, format_param
from edgeir.runtime.worker import Worker

__all__ = ["channel_means", "observe"]

Images = NDArray[np.float32]


def observe(made: Converted, blobs: Sequence[str], images: Images) -> dict[str, Observation]:
    """Range and histogram of each of these blobs.

    Args:
        images: (N, H, W, C) in [0, 1].
    """
    result: dict[str, Observation] = {}
    with _running(made) as worker:
        for counting in (False, True):  # the second pass fills the histograms between the limits of the first
            for image in images:
                for name, value in zip(blobs, worker.run(_planes(image), blobs), strict=True):
                    if counting:
                        result[name].counts += np.histogram(value, BINS, result[name].limits)[0]
                    else:
                        _extend(result, name, value)
    return result


def channel_means(made: Converted, blob: str, images: Images) -> NDArray[np.float64]:
    """Mean of each channel of a blob over all images."""
    with _running(made) as worker:
        means = [worker.run(_planes(image), [blob])[0][0].mean((1, 2), dtype=np.float64) for image in images]
    result: NDArray[np.float64] = np.mean(means, axis=0)
    return result


@contextlib.contextmanager
def _running(made: Converted) -> Iterator[Worker]:
    with scratch_dir("calibrate") as folder:
        (folder / PARAM).write_text(format_param(made.layers), encoding="utf-8")
        (folder / BIN).write_bytes(made.weights)
        options = {"threads": 1, "half": False, "keep": True, "sgemm": True}
        worker = Worker(LOADER, folder, options, title="ncnn", limit_s=LIMIT_S)
        try:
            yield worker
        finally:
            worker.close()


def _planes(image: Images) -> Images:
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None])


def _extend(result: dict[str, Observation], name: str, value: Images) -> None:
    low, high = float(value.min()), float(value.max())
    seen = result.get(name)
    if seen is None:
        nothing = np.zeros(0)  # statistics of channels, which one scale for an input does not need
        result[name] = Observation(low, high, nothing, nothing, np.zeros(BINS))
    else:
        seen.follow(low, high)
