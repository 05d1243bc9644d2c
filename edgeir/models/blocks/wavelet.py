"""The orthonormal Haar transform as a change of resolution, and its exact inverse (DANet, MWCNN).

With a, b, c, d the pixels at even/even, odd/even, even/odd and odd/odd rows/columns, each halved: LL = a + b + c + d,
HL = -a - b + c + d, LH = -a + b - c + d, HH = a - b - c + d. Both directions are one grouped convolution with fixed
weights.

Both are linear, so in a deployed network they are folded into the adjacent 3x3 convolution, exactly and without further
cost: `fold_split` gives a 6x6 with stride 2, `fold_join` a 3x3 followed by a pixel shuffle. A grouped transposed
convolution, which phones do not have, is never exported.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["HaarJoin", "HaarSplit", "fold_join", "fold_split"]

_BANDS = (
    ((0.5, 0.5), (0.5, 0.5)),
    ((-0.5, 0.5), (-0.5, 0.5)),
    ((-0.5, -0.5), (0.5, 0.5)),
    ((0.5, -0.5), (-0.5, 0.5)),
)


class _Haar(nn.Module):
    bands: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bands", torch.tensor(_BANDS)[:, None], persistent=False)

    def _weights(self, channels: int, like: torch.Tensor) -> torch.Tensor:
        return self.bands.to(like.dtype).repeat(channels, 1, 1, 1)


class HaarSplit(_Haar):
    """DWT: (N, C, H, W), H and W even, to (N, 4C, H/2, W/2); channel 4c + k is band k of channel c."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self._weights(x.shape[1], x), stride=2, groups=x.shape[1])


class HaarJoin(_Haar):
    """IWT, the inverse of `HaarSplit`: (N, 4C, H, W) to (N, C, 2H, 2W)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        channels = x.shape[1] // 4
        return F.conv_transpose2d(x, self._weights(channels, x), stride=2, groups=channels)


def fold_split(conv: nn.Conv2d) -> nn.Conv2d:
    """`conv` behind `HaarSplit` as one convolution of the image, with parameters of its own.

    Args:
        conv: 3x3, stride 1, zero padding 1, 4C channels in. A zero around the bands is two around the image.

    Returns:
        6x6, stride 2, padding 2, C channels in.
    """
    folded = nn.Conv2d(
        conv.in_channels // 4, conv.out_channels, 6, stride=2, padding=2, bias=conv.bias is not None
    )
    split = conv.weight.detach().reshape(conv.out_channels, -1, 4, 3, 3)
    with torch.no_grad():
        # Tap (i, j) of the 3x3 meets pixel (u, v) of a 2x2 cell: the cells tile the 6x6 kernel.
        kernel = torch.einsum("ockij,kuv->ociujv", split, torch.tensor(_BANDS).to(split))
        folded.weight.copy_(kernel.reshape(folded.weight.shape))
        if conv.bias is not None and folded.bias is not None:
            folded.bias.copy_(conv.bias)
    return folded


def fold_join(conv: nn.Conv2d) -> nn.Sequential:
    """`HaarJoin` behind `conv` as one convolution and a pixel shuffle, with parameters of their own.

    Args:
        conv: any convolution with 4C channels out.
    """
    folded = copy.deepcopy(conv)
    bands = torch.tensor(_BANDS).flatten(1).to(conv.weight)  # band by pixel of the 2x2 cell, row by row
    with torch.no_grad():
        split = conv.weight.reshape(-1, 4, *conv.weight.shape[1:])
        folded.weight.copy_(torch.einsum("ckiuv,kp->cpiuv", split, bands).flatten(0, 1))
        if conv.bias is not None and folded.bias is not None:
            folded.bias.copy_((conv.bias.reshape(-1, 4) @ bands).flatten())
    return nn.Sequential(folded, nn.PixelShuffle(2))
