"""Gain-control normalisation and its inverse (FDR-Net, section 3, eqs. 4 and 7; also known as GDN / IGDN).

Forward: ``D_i = S_i / sqrt(sum_j w_ji S_j² + b_i)``. Inverse: ``F_i = P_i · sqrt(sum_j w_ji P_j² + b_i)``, the first
step of the fixed-point inversion, with weights of its own. The weighted sum is a 1x1 convolution of the squares,
which every runtime has. The paper leaves the start and the bounds open: b = 1, w = 0.1 I, b >= 1e-6 and w >= 0 by
squaring the stored parameters.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["GainControl"]

_FLOOR = 1e-6
_PEDESTAL = 2.0**-36
"""Keeps the gradient of the square alive where a weight is zero (Ballé et al., ICLR 2017)."""


class GainControl(nn.Module):
    """Divisive normalisation over channels, at each pixel on its own.

    Args:
        channels: of the input.
        inverse: multiply by the root instead of dividing.
    """

    def __init__(self, channels: int, *, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter(torch.sqrt(torch.ones(channels) + _PEDESTAL))
        self.gamma = nn.Parameter(torch.sqrt(0.1 * torch.eye(channels) + _PEDESTAL))

    def weights(self) -> tuple[torch.Tensor, torch.Tensor]:
        """b (C,) and w (C, C), w[i, j] the weight of channel j in the energy of channel i."""
        beta = (self.beta**2 - _PEDESTAL).clamp_min(_FLOOR)
        return beta, (self.gamma**2 - _PEDESTAL).clamp_min(0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        beta, gamma = self.weights()
        energy = F.conv2d(x * x, gamma[:, :, None, None], beta)
        return x * torch.sqrt(energy) if self.inverse else x * torch.rsqrt(energy)

    def own_macs(self, output: torch.Tensor) -> int:
        """For `edgeir.models.macs.count_macs`: the 1x1 convolution."""
        return self.gamma.shape[1] * output.numel()
