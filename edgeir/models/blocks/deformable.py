"""Modulated deformable convolution (Zhu et al., "Deformable ConvNets v2", CVPR 2019; DANet eq. 3) in plain PyTorch.

``y(p) = sum_k w_k · m_k(p) · x(p + p_k + o_k(p))`` with p_k the nine taps of a 3x3 kernel, o_k(p) an offset and
m_k(p) a mask in [0, 1] per tap, pixel and group of channels; x between pixels is bilinear, outside the image zero.
Without offsets and with masks of one it is the ordinary convolution (DANet eq. 2).

Definition and channel order are torchvision's ``deform_conv2d``: offsets (group, tap, [dy, dx]), masks (group, tap).

All taps and groups are sampled by one ``grid_sample``, which has fast kernels for both directions, exports to ONNX,
and whose memory is nine times the input's: linear in the number of pixels. One 1x1 product per pixel then does the
summation.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["DeformableConv", "deformable_conv"]


class DeformableConv(nn.Module):
    """3x3, stride 1, zero padding 1; offsets and masks are inputs.

    Args:
        in_channels, out_channels: as in `torch.nn.Conv2d`; `in_channels` is a multiple of `groups`.
        groups: groups of channels with offsets of their own.
    """

    def __init__(self, in_channels: int, out_channels: int, groups: int = 1) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))

    def forward(self, x: torch.Tensor, offsets: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        return deformable_conv(x, self.weight, self.bias, offsets, masks, self.groups)


def deformable_conv(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    offsets: torch.Tensor,
    masks: torch.Tensor,
    groups: int = 1,
) -> torch.Tensor:
    """3x3 modulated deformable convolution, stride 1, padding 1.

    Args:
        x: (N, C, H, W).
        weight: (D, C, 3, 3). bias: (D,) or None.
        offsets: (N, 18·groups, H, W) in pixels, (dy, dx) per tap and group.
        masks: (N, 9·groups, H, W), already in [0, 1].

    Returns:
        (N, D, H, W).
    """
    batch, channels, height, width = x.shape
    grid = _grid(offsets, groups, height, width)
    split = x.reshape(batch * groups, channels // groups, height, width)
    taps = F.grid_sample(split, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    taps = taps.reshape(batch, groups, channels // groups, 9, height * width)
    taps = taps * masks.reshape(batch, groups, 1, 9, height * width)
    columns = taps.reshape(batch, channels * 9, height * width)
    out = torch.matmul(weight.reshape(weight.shape[0], -1), columns)
    if bias is not None:
        out = out + bias[:, None]
    return out.reshape(batch, -1, height, width)


def _grid(offsets: torch.Tensor, groups: int, height: int, width: int) -> torch.Tensor:
    """Where to sample, for ``grid_sample``: (N·groups, 9·H, W, 2), x before y."""
    batch = offsets.shape[0]
    kind, device = offsets.dtype, offsets.device
    taps = torch.arange(-1, 2, dtype=kind, device=device)
    rows = (
        torch.arange(height, dtype=kind, device=device)[None, :, None]
        + taps.repeat_interleave(3)[:, None, None]
    )
    columns = torch.arange(width, dtype=kind, device=device)[None, None, :] + taps.repeat(3)[:, None, None]
    moved = offsets.reshape(batch * groups, 9, 2, height, width)
    y = (
        2 * (moved[:, :, 0] + rows) + 1
    ) / height - 1  # -1 and 1 are the outer edges: also right for one pixel
    x = (2 * (moved[:, :, 1] + columns) + 1) / width - 1
    return torch.stack([x, y], -1).reshape(batch * groups, 9 * height, width, 2)
