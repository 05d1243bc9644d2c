"""Fold batch normalisation into the convolution in front of it, exactly (inference statistics)."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["ConvNorm", "fuse_norms"]


class ConvNorm(nn.Module):
    """Convolution and batch normalisation; `fused()` is the one convolution that both are at inference."""

    def __init__(self, conv: nn.Conv2d | nn.ConvTranspose2d) -> None:
        super().__init__()
        self.conv = conv
        self.norm = nn.BatchNorm2d(conv.out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.norm(self.conv(x))
        return out

    def fused(self) -> nn.Module:
        """A convolution with parameters of its own."""
        return torch.nn.utils.fusion.fuse_conv_bn_eval(
            self.conv.eval(), self.norm.eval(), transpose=isinstance(self.conv, nn.ConvTranspose2d)
        )


def fuse_norms(module: nn.Module) -> nn.Module:
    """Replace every `ConvNorm` inside `module` by its fused convolution, in place."""
    for name, child in module.named_children():
        if isinstance(child, ConvNorm):
            setattr(module, name, child.fused())
        else:
            fuse_norms(child)
    return module
