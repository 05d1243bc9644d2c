"""Gain-control normalisation and its inverse (FDR-Net, sections 3.1 to 3.3, eqs. 4 and 7; also known as GDN / IGDN).

The model of sensory processing behind it filters a signal (eq. 1, ``L_i = f_i(X)``) and divides the energies of the
responses, ``R_i = L_i² / (sum_j w_ji L_j² + sigma²)`` (eq. 2). FDR-Net puts a convolution in place of the filters (eq.
3) and takes the root of eq. 2, with an offset per channel (eq. 4); eqs. 1 and 2 themselves are computed nowhere.

Forward: ``D_i = S_i / sqrt(sum_j w_ji S_j² + b_i)``. Inverse: ``F_i = P_i · sqrt(sum_j w_ji P_j² + b_i)``, the first
step of the fixed-point inversion, with weights of its own. The weighted sum is a 1x1 convolution of the squares,
which every runtime has. The paper leaves the start and the bounds open: b = 1, w = 0.1 I, b >= 1e-6 and w >= 0.

Weights between channels start at their bound. A plain clamp there, or the square of a stored root, gives those no
gradient and they never leave it; so a value below its bound counts as the bound and still gets gradients that raise it.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["GainControl"]

_FLOOR = 1e-6


class _AtLeast(torch.autograd.Function):
    """max(x, bound), with the gradient of the identity, except where it would lower a value that is below the bound.

    The lower bound of Ballé et al., "End-to-end optimized image compression", ICLR 2017.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, bound: float) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.bound = bound
        return x.clamp_min(bound)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        return gradient * ((x >= ctx.bound) | (gradient < 0)), None


class GainControl(nn.Module):
    """Divisive normalisation over channels, at each pixel on its own.

    Args:
        channels: of the input.
        inverse: multiply by the root instead of dividing.
    """

    def __init__(self, channels: int, *, inverse: bool = False) -> None:
        super().__init__()
        self.inverse = inverse
        self.beta = nn.Parameter(torch.ones(channels))
        self.gamma = nn.Parameter(0.1 * torch.eye(channels))

    def weights(self) -> tuple[torch.Tensor, torch.Tensor]:
        """b (C,) and w (C, C), w[i, j] the weight of channel j in the energy of channel i."""
        if not self.gamma.requires_grad:  # a deployed network: exporters see a plain clamp
            return self.beta.clamp_min(_FLOOR), self.gamma.clamp_min(0.0)
        beta: torch.Tensor = _AtLeast.apply(self.beta, _FLOOR)  # type: ignore[no-untyped-call]
        gamma: torch.Tensor = _AtLeast.apply(self.gamma, 0.0)  # type: ignore[no-untyped-call]
        return beta, gamma

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        beta, gamma = self.weights()
        energy = F.conv2d(x * x, gamma[:, :, None, None], beta)
        return x * torch.sqrt(energy) if self.inverse else x * torch.rsqrt(energy)
