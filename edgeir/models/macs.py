"""Multiply-accumulates of a network, counted on the convolutions and matrix products that run.

The network runs once on torch's ``meta`` device: shapes without arithmetic, so that a 720p count of a teraMAC network
takes milliseconds. One multiply-add is one; additions, activations and normalisations are not counted, as in the
papers.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

__all__ = ["count_macs"]


def count_macs(module: nn.Module, *shape: int) -> int:
    """Of one forward pass on an input of `shape`.

    Counts ``Conv2d``, ``ConvTranspose2d`` and ``Linear``, and every module with a method ``own_macs(output)``.
    """
    total = 0

    def count(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        nonlocal total
        total += _macs_of(layer, inputs[0], output)

    probe = copy.deepcopy(module).to("meta").eval()
    counted = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    handles = [
        layer.register_forward_hook(count)
        for layer in probe.modules()
        if isinstance(layer, counted) or hasattr(layer, "own_macs")
    ]
    try:
        with torch.no_grad():
            probe(torch.empty(shape, device="meta"))
    finally:
        for handle in handles:
            handle.remove()
    return total


def _macs_of(layer: nn.Module, given: torch.Tensor, output: torch.Tensor) -> int:
    if isinstance(layer, nn.Conv2d):
        return layer.weight[0].numel() * output.numel()
    if isinstance(layer, nn.ConvTranspose2d):
        return layer.weight[0].numel() * given.numel()  # every input value meets one kernel
    if isinstance(layer, nn.Linear):
        return layer.in_features * output.numel()
    own: int = layer.own_macs(output)  # type: ignore[operator]
    return own
