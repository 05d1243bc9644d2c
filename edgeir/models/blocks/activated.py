"""A convolution with its ReLU, as the phone students are made of: one tap, and one fused operator in a file."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["ConvReLU"]


class ConvReLU(nn.Module):
    """A convolution, reparametrised or not, followed by ReLU; its output is a tap."""

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # In place: the convolution's backward pass needs no output of its own.
        return F.relu(self.conv(x), inplace=True)
