"""The orthonormal Haar transform as a change of resolution, and its exact inverse (DANet, MWCNN).

With a, b, c, d the pixels at even/even, odd/even, even/odd and odd/odd rows/columns, each halved: LL = a + b + c + d,
HL = -a - b + c + d, LH = -a + b - c + d, HH = a - b - c + d. Both directions are one grouped convolution with fixed
weights, which every exporter knows.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["HaarJoin", "HaarSplit"]

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

    def own_macs(self, output: torch.Tensor) -> int:
        """For `edgeir.models.macs.count_macs`: a 2x2 kernel per value, in either direction."""
        return 4 * output.numel()

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
