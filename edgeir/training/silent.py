"""Find layers that died: after a step too large a ReLU can be left with negative inputs only, for good.

Nothing of it shows in the loss, which falls all the same: the other layers do its work as well as they can. Its range
on calibration images is nothing, too, which integer kernels are not made for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from edgeir.models.base import Network

__all__ = ["silent_layers"]


@contextmanager
def silent_layers(network: Network) -> Iterator[set[str]]:
    """The names of the taps that put out zeros only, over all runs inside the block; complete at its end."""
    ran: set[str] = set()
    heard: set[str] = set()
    silent: set[str] = set()

    def hook(name: str) -> object:
        def listen(module: nn.Module, inputs: object, output: object) -> None:
            ran.add(name)
            if name not in heard and not (isinstance(output, torch.Tensor) and not output.any()):
                heard.add(name)

        return listen

    handles = [
        module.register_forward_hook(hook(name))  # type: ignore[arg-type]
        for name, module in network.taps().items()
    ]
    try:
        yield silent
    finally:
        for handle in handles:
            handle.remove()
        silent |= ran - heard
