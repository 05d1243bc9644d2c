"""Structural similarity as a loss: 1 - SSIM (PPCN eqs. 4-5).

11x11 Gaussian window with sigma 1.5, valid positions only, C1 = 0.01² and C2 = 0.03² on the [0, 1] scale, mean over
positions, channels and batch: the same statistic that `edgeir.metrics` reports, differentiable.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from edgeir.losses.base import ImageLoss

__all__ = ["SSIM"]

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


class SSIM(ImageLoss):
    """1 - SSIM (PPCN eq. 4); images need at least 11x11 pixels."""

    kind: Literal["ssim"] = "ssim"

    @property
    def least(self) -> int:
        """Side in pixels of the smallest image that the window fits into."""
        return _WINDOW

    def build(self) -> nn.Module:
        return SSIMLoss()


class SSIMLoss(nn.Module):
    """See `SSIM`."""

    window: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        offsets = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
        window = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
        self.register_buffer("window", window / window.sum(), persistent=False)

    def _blur(self, x: torch.Tensor) -> torch.Tensor:
        channels = x.shape[1]
        window = self.window.to(x.dtype)
        x = F.conv2d(x, window.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
        return F.conv2d(x, window.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        mean_x, mean_y = self._blur(prediction), self._blur(target)
        var_x = self._blur(prediction * prediction) - mean_x**2
        var_y = self._blur(target * target) - mean_y**2
        covariance = self._blur(prediction * target) - mean_x * mean_y
        ssim = (2 * mean_x * mean_y + _C1) * (2 * covariance + _C2)
        ssim = ssim / ((mean_x**2 + mean_y**2 + _C1) * (var_x + var_y + _C2))
        return 1 - ssim.mean()
