"""How ONNX Runtime's CUDA provider loads and runs a file: a part of `worker_child`, read from its path.

ONNX Runtime gives a node to the CPU where the provider has no kernel for it, and all of them where CUDA's libraries do
not load. Which provider ran which node is in the profile of a run.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

__all__ = ["load"]

CPU = "CPUExecutionProvider"


class Runner:
    """One session; `run` returns when its outputs are in this process's memory."""

    def __init__(self, session: onnxruntime.InferenceSession, about: dict[str, Any]) -> None:
        self.about = about
        self._session = session
        self._input = session.get_inputs()[0].name

    def __call__(self, tensor: Any, outputs: Sequence[str]) -> tuple[float, list[Any]]:
        """The seconds of a run, copies to and from the GPU included, and the outputs."""
        began = time.perf_counter()
        made = self._session.run(list(outputs), {self._input: tensor})
        return time.perf_counter() - began, [np.asarray(array) for array in made]


def load(model: str, options: dict[str, Any]) -> Runner:
    """Load the file `model` for a provider, and for the CPU what that has no kernel for.

    Args:
        options: ``provider``, with its settings in ``settings``; ``threads`` of what runs on the CPU; ``size``,
            height and width of an image for the one run that tells where the nodes ran.

    Raises:
        RuntimeError: ONNX Runtime was built without the provider, or its libraries do not load.
    """
    provider = options["provider"]
    if provider not in onnxruntime.get_available_providers():
        raise RuntimeError(f"this onnxruntime has no {provider} (pip install onnxruntime-gpu in its place)")
    with tempfile.TemporaryDirectory() as folder:
        profiled = _session(model, options, profile=str(Path(folder) / "run"))
        if provider not in profiled.get_providers():
            raise RuntimeError(f"{provider} does not start (a CUDA or cuDNN library is missing?)")
        profiled.run(None, {profiled.get_inputs()[0].name: _noise(profiled.get_inputs()[0], options["size"])})
        nodes = _placed(Path(profiled.end_profiling()))
        del profiled
    elsewhere = sum(count for name, count in nodes.items() if name != provider)
    about = {"nodes": sum(nodes.values()), "elsewhere": elsewhere, "whole": elsewhere == 0}
    return Runner(_session(model, options), about)


def _session(model: str, options: dict[str, Any], profile: str | None = None) -> onnxruntime.InferenceSession:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads, settings.inter_op_num_threads = options["threads"], 1
    settings.log_severity_level = 4
    if profile is not None:
        settings.enable_profiling, settings.profile_file_prefix = True, profile
    wanted = [(options["provider"], options["settings"])]
    rest = [] if options["provider"] == CPU else [CPU]
    return onnxruntime.InferenceSession(model, settings, providers=[*wanted, *rest])


def _noise(entry: Any, size: list[int]) -> Any:
    """An image for the input: its fixed sides, and those of `size` where it takes any."""
    free = iter(size)
    shape = [
        1 if index == 0 else side if isinstance(side, int) else next(free)
        for index, side in enumerate(entry.shape)
    ]
    kind = {"tensor(uint8)": np.uint8, "tensor(float16)": np.float16}.get(entry.type, np.float32)
    values = np.random.default_rng(0).random(shape)
    return (values * 255).astype(kind) if kind is np.uint8 else values.astype(kind)


def _placed(profile: Path) -> Counter[str]:
    """Nodes by the provider that ran them."""
    events = json.loads(profile.read_text(encoding="utf-8"))
    ran = [
        event["args"]
        for event in events
        if event.get("cat") == "Node" and "provider" in event.get("args", {})
    ]
    return Counter(args["provider"] for args in ran)
