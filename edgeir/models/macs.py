"""Multiply-accumulates of a network, counted by torch on the convolutions and matrix products that run.

The network runs once on torch's ``meta`` device: shapes without arithmetic, so that a 720p count of a teraMAC network
takes milliseconds. One multiply-add is one; additions, activations, normalisations and interpolations are not counted,
as in the papers.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["count_macs"]


def count_macs(module: nn.Module, *shape: int) -> int:
    """Of one forward pass of `module`, in eval mode, on an input of `shape`.

    A module of another package that makes tensors on a device of its own choice cannot run on ``meta``: it runs as it
    is, on zeros.
    """
    probe = copy.deepcopy(module).eval()
    try:
        return _count(probe.to("meta"), torch.empty(shape, device="meta"))
    except (RuntimeError, NotImplementedError):
        return _count(copy.deepcopy(module).eval(), torch.zeros(shape))


def _count(module: nn.Module, x: torch.Tensor) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(x)
    operations: int = counter.get_total_flops()
    return operations // 2  # torch counts the multiplication and the addition
