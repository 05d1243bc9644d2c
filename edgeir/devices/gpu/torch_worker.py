"""How PyTorch runs a checkpoint on a GPU: a part of `worker_child`, read from its path."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

__all__ = ["load"]


class Runner:
    """A network in its `deploy()` form; a run is complete when its output is in this process's memory."""

    def __init__(
        self, module: torch.nn.Module, place: torch.device, dtype: torch.dtype, about: dict[str, Any]
    ) -> None:
        self.about = about
        self._module, self._place, self._dtype = module, place, dtype

    def __call__(self, tensor: Any, outputs: Sequence[str]) -> tuple[float, list[Any]]:
        """The seconds of a run, copies to and from the GPU included, and the output as float32."""
        assert len(outputs) == 1
        began = time.perf_counter()
        with torch.inference_mode():
            image = torch.from_numpy(tensor).to(self._place, self._dtype, memory_format=torch.channels_last)
            made = self._module(image).float().contiguous().cpu()  # waits for the GPU
        return time.perf_counter() - began, [made.numpy()]


def load(model: str, options: dict[str, Any]) -> Runner:
    """Load the checkpoint whose weights are the file `model`.

    Args:
        options: ``place``: torch's name of the device; ``half``: compute in 16 bits; ``threads``; ``trust``: the user
            allowed code of other authors.

    Raises:
        RuntimeError: torch sees no such device.
    """
    from edgeir.checkpoint.load import load_checkpoint
    from edgeir.core.trust import trusting_code

    place = torch.device(options["place"])
    if place.type == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("torch sees no NVIDIA GPU (torch.cuda.is_available() is False)")
    torch.set_num_threads(options["threads"])
    # Of fp32 it is asked what fp32 gives: TensorFloat-32 has 10 bits of it.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    with trusting_code(options["trust"]):
        network, _, _ = load_checkpoint(str(Path(model).parent))
    dtype = torch.float16 if options["half"] else torch.float32
    module = network.deploy().to(place, dtype)
    torch.nn.Module.to(module, memory_format=torch.channels_last)  # type: ignore[call-overload]
    title = torch.cuda.get_device_name(place) if place.type == "cuda" else place.type
    return Runner(
        module, place, dtype, {"adapter": title, "whole": place.type != "cpu", "cuda": torch.version.cuda}
    )
