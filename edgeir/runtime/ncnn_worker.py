"""How ncnn loads and runs a file: a part of `worker_child`, read from its path."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ncnn
import numpy as np

__all__ = ["load"]

Run = Callable[[Any, Sequence[str]], tuple[float, list[Any]]]


def load(model: str, options: dict[str, Any]) -> Run:
    """Load ``model.ncnn.param`` and ``.bin`` of the folder `model`.

    Args:
        options: ``threads``; ``half``: compute in 16 bits where the processor can; ``keep``: keep every blob, so
            that several can be asked for; ``sgemm``: convolve as matrix products, which ncnn does by default and for
            which it copies every window of the image (see `ncnn_file.has_large_kernel`).
    """
    param = Path(model) / "model.ncnn.param"
    for line in param.read_text(encoding="utf-8").splitlines()[2:]:
        kind = line.split()[0]
        if ncnn.layer_to_index(kind) < 0:
            raise ValueError(f"it has no layer `{kind}`")
    net = ncnn.Net()
    net.opt.num_threads = options["threads"]
    net.opt.lightmode = not options["keep"]
    net.opt.use_vulkan_compute = False
    net.opt.use_sgemm_convolution = options["sgemm"]
    half = options["half"]
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = half
    if net.load_param(str(param)) != 0:
        raise ValueError("the .param is damaged")
    if net.load_model(str(param.with_suffix(".bin"))) != 0:
        raise ValueError("the .bin is damaged")
    [entry] = net.input_names()

    def run(tensor: Any, outputs: Sequence[str]) -> tuple[float, list[Any]]:
        image = tensor[0]  # (C, H, W): held until it is copied
        began = time.perf_counter()
        # A copy, as an app's from_pixels makes one: layers that work in place write into it, rows aligned.
        blob = ncnn.Mat(image).clone()
        extractor = net.create_extractor()
        extractor.input(entry, blob)
        results = []
        for name in outputs:
            code, result = extractor.extract(name)
            if code != 0:
                raise RuntimeError(f"the blob `{name}` cannot be computed (code {code})")
            results.append(result)
        seconds = time.perf_counter() - began
        return seconds, [np.array(result)[None] for result in results]

    return run
