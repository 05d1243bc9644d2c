"""How LiteRT's GPU accelerator loads and runs a file: a part of `worker_child`, read from its path.

LiteRT falls back to the CPU without a word, and Vulkan to a software renderer. What it took stands in its log alone.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.hardware_accelerator import HardwareAccelerator
from ai_edge_litert.options import CpuOptions, GpuOptions, Options

__all__ = ["load"]

ADAPTER = re.compile(
    r"Selected adapter: (?P<name>[^,]*),.*\bbackend=(?P<backend>\w+), adapterType=(?P<kind>.+)"
)


class Runner:
    """One compiled model; a run is complete when its output is in this process's memory."""

    def __init__(self, model: CompiledModel, about: dict[str, Any]) -> None:
        self.about = about
        self._model = model
        self._inputs, self._outputs = model.create_input_buffers(0), model.create_output_buffers(0)
        signature = next(iter(model.get_signature_list()))
        [made] = model.get_output_tensor_details(signature).values()
        self._shape, self._dtype = tuple(made["shape"]), np.dtype(made["dtype"])

    def __call__(self, tensor: Any, outputs: Sequence[str]) -> tuple[float, list[Any]]:
        """The seconds of a run, the input's way there and the output's way back included, and the output."""
        assert len(outputs) == 1
        began = time.perf_counter()
        self._inputs[0].write(tensor)
        self._model.run_by_index(0, self._inputs, self._outputs)  # returns before the GPU is done
        values = self._outputs[0].read(int(np.prod(self._shape)), self._dtype)
        seconds = time.perf_counter() - began
        return seconds, [np.array(values, self._dtype).reshape(self._shape)]


def load(model: str, options: dict[str, Any]) -> Runner:
    """Compile the file `model` for the GPU, and what it refuses for the CPU.

    Args:
        options: ``half``: compute in 16 bits, as phones do; ``threads`` of what runs on the CPU.

    Raises:
        RuntimeError: there is no GPU that LiteRT can use, or it cannot compile the file.
    """
    both = HardwareAccelerator.GPU | HardwareAccelerator.CPU
    settings = Options(
        hardware_accelerators=both,
        cpu_options=CpuOptions(num_threads=options["threads"]),
        gpu_options=GpuOptions(enforce_f32=not options["half"], hint_waiting_for_completion=True),
    )
    try:
        compiled = CompiledModel.from_file(model, options=settings)
    except RuntimeError as error:
        raise RuntimeError(_cause(str(error), _log())) from None
    log = _log()
    if "Failed to initialize WebGPU environment" in log or "No adapters found" in log:
        raise RuntimeError(_cause("", log))
    found = ADAPTER.search(log)
    about = {
        "whole": bool(compiled.is_fully_accelerated()),
        "adapter": found["name"].strip() if found else None,
        "backend": found["backend"] if found else None,
        "software": bool(found and "CPU" in found["kind"]),
    }
    return Runner(compiled, about)


def _cause(error: str, log: str) -> str:
    """Why it did not work, in one line; the log is emptied, so that nothing is appended to the line."""
    try:
        os.ftruncate(2, 0)
        os.lseek(2, 0, os.SEEK_SET)
    except OSError:
        pass
    if "Couldn't load Vulkan" in log:
        return "no GPU: the system has no Vulkan (Debian's package libvulkan1, and the GPU's driver)"
    if "No adapters found" in log or "WebGPU environment" in log:
        return "no GPU: Vulkan, Metal or Direct3D has no device"
    lines = [line.strip(" └─") for line in error.splitlines() if "ERROR: [" not in line]
    return next(iter(filter(None, lines)), "LiteRT's accelerator cannot compile it")


def _log() -> str:
    """What native code has written on stderr so far, which the parent process has made a file."""
    try:
        end = os.lseek(2, 0, os.SEEK_CUR)
        os.lseek(2, 0, os.SEEK_SET)
        text = os.read(2, 1 << 20).decode(errors="replace")
        os.lseek(2, end, os.SEEK_SET)
    except OSError:  # not a file: run by hand
        return ""
    return text
