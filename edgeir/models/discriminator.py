"""PPCN's discriminator (Hui et al., ECCV-W 2018, Fig. 4): was this gray patch taken by a camera or made by a network?

Six convolutions, 9x9 stride 4 to 64 channels, 5x5 stride 2 to 128, 3x3 to 192 twice, 3x3 stride 2 to 256, 3x3 to 256,
each LeakyReLU (0.2) and then instance normalisation (eps 1e-3; none on the first); fully connected to 1024, LeakyReLU;
fully connected to 2. The paper ends in a sigmoid, the authors' configuration, followed here, in a softmax over the two
classes. Padding, order and initialisation (truncated normal, deviation 0.01, biases 0.01) are that configuration's too.

The first fully connected layer sees whole maps, so a discriminator belongs to one size of patches; 100 is the paper's.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["MADE", "SMALLEST", "TAKEN", "Discriminator"]

_LAYERS = ((64, 9, 4), (128, 5, 2), (192, 3, 1), (192, 3, 1), (256, 3, 2), (256, 3, 1))
_SLOPE, _EPS = 0.2, 1e-3
_GRAY = (0.2989, 0.587, 0.114)

TAKEN, MADE = 0, 1
"""The two classes: the patch was taken by a camera, or made by a network."""

SMALLEST = 17
"""Side of the smallest patch: the last map must keep more than one pixel, or normalisation leaves nothing of it."""


class Discriminator(nn.Module):
    """(N, 3, patch, patch) RGB on [0, 1] to (N, 2) log-probabilities of `TAKEN` and `MADE`.

    Args:
        patch: side in pixels, at least `SMALLEST`.
    """

    def __init__(self, patch: int = 100) -> None:
        super().__init__()
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        channels, side = 1, patch
        for position, (out, kernel, stride) in enumerate(_LAYERS):
            self.convolutions.append(nn.Conv2d(channels, out, kernel, stride))
            self.norms.append(nn.InstanceNorm2d(out, eps=_EPS, affine=True) if position else nn.Identity())
            channels, side = out, -(-side // stride)
        self.hidden = nn.Linear(channels * side * side, 1024)
        self.answer = nn.Linear(1024, 2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.01, a=-0.02, b=0.02)
                assert module.bias is not None
                nn.init.constant_(module.bias, 0.01)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.einsum("nchw,c->nhw", x, x.new_tensor(_GRAY))[:, None]
        for (_, kernel, stride), conv, norm in zip(_LAYERS, self.convolutions, self.norms, strict=True):
            out = norm(F.leaky_relu(conv(_pad_same(out, kernel, stride)), _SLOPE))
        hidden = F.leaky_relu(self.hidden(out.flatten(1)), _SLOPE)
        return torch.log_softmax(self.answer(hidden), dim=1)


def _pad_same(x: torch.Tensor, kernel: int, stride: int) -> torch.Tensor:
    """TensorFlow's "SAME" padding: ceil(size / stride) outputs, the odd pixel of padding at the end."""
    pads: list[int] = []
    for size in (x.shape[3], x.shape[2]):
        total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)
