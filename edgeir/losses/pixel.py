"""Per-pixel losses: mean absolute error, mean squared error, Charbonnier.

All are means over every element of (N, C, H, W) tensors on the [0, 1] scale; `weight` multiplies them. A paper
that states its loss on the 0-255 scale needs ``weight: 255`` for L1 (PPCN eq. 3) and 255² for L2. Where a paper prints
a norm summed over an image (PPCN eq. 3, DANet eq. 1), the mean is that sum over the number of its values.

`luma` moves a share of the loss from the three colours to their luma (BT.601: 0.299 R + 0.587 G + 0.114 B), which is
what super-resolution papers measure and what the eye resolves: 0 is the plain loss on RGB, 1 the loss on luma alone
(which leaves the colour differences unconstrained).


The gradient is computed together with the value, in a few passes over memory: through autograd's record of the single
operations the loss of a small network costs as much as several of its convolutions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import Field
from torch import nn

from edgeir.imaging.luma import LUMA
from edgeir.losses.base import ImageLoss

__all__ = ["ABSOLUTE", "L1", "L2", "SQUARED", "Charbonnier", "Distance", "PixelLoss"]


@dataclass(frozen=True)
class Distance:
    """An elementwise function of a difference, and its derivative (in a new tensor)."""

    value: Callable[[torch.Tensor], torch.Tensor]
    slope: Callable[[torch.Tensor], torch.Tensor]


ABSOLUTE = Distance(torch.abs, torch.sign)
SQUARED = Distance(torch.square, lambda difference: 2 * difference)


def _rounded(epsilon: float) -> Distance:
    def root(difference: torch.Tensor) -> torch.Tensor:
        return (difference.square() + epsilon**2).sqrt_()

    return Distance(
        lambda difference: root(difference) - epsilon, lambda difference: difference / root(difference)
    )


class L1(ImageLoss):
    """Mean absolute error: PPCN eq. 3, the image loss of STFT (eq. 5) and FDR-Net (eq. 8)."""

    kind: Literal["l1"] = "l1"
    luma: float = Field(0.0, ge=0, le=1)
    """Share of the loss that is measured on luma."""

    def build(self) -> PixelLoss:
        return PixelLoss(ABSOLUTE, self.luma)


class L2(ImageLoss):
    """Mean squared error: DANet eq. 1, L_D in eq. 1 of "When Image Denoising Meets High-Level Vision Tasks"."""

    kind: Literal["l2"] = "l2"
    luma: float = Field(0.0, ge=0, le=1)
    """Share of the loss that is measured on luma."""

    def build(self) -> PixelLoss:
        return PixelLoss(SQUARED, self.luma)


class Charbonnier(ImageLoss):
    """Mean of sqrt(d² + eps²) - eps: L1 with a rounded tip (zero for equal images)."""

    kind: Literal["charbonnier"] = "charbonnier"
    luma: float = Field(0.0, ge=0, le=1)
    """Share of the loss that is measured on luma."""
    epsilon: float = Field(1e-3, ge=1e-6, le=1000)
    """Width of the rounded tip, on the [0, 1] scale."""

    def build(self) -> PixelLoss:
        return PixelLoss(_rounded(self.epsilon), self.luma)


class PixelLoss(nn.Module):
    """Mean of `distance` over the difference of two images, a share of it over the difference of their luma.

    Differentiable once, in both images.

    Args:
        distance: of every element of the difference.
        luma: share in [0, 1] of the loss on luma; anything above 0 needs images of three channels.
    """

    def __init__(self, distance: Distance, luma: float = 0.0) -> None:
        super().__init__()
        self._distance, self._share = distance, luma

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = _Mean.apply(prediction, target, self._distance, self._share)  # type: ignore[no-untyped-call]
        return loss


class _Mean(torch.autograd.Function):
    """The value, with its gradient by the prediction kept for the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, prediction: torch.Tensor, target: torch.Tensor, distance: Distance, share: float
    ) -> torch.Tensor:
        difference = prediction - target
        loss = distance.value(difference).mean()
        luma = _luma(difference) if share else None
        if luma is not None:
            loss = torch.lerp(loss, distance.value(luma).mean(), share)
        if any(ctx.needs_input_grad):
            slope = distance.slope(difference).mul_((1 - share) / difference.numel())
            if luma is not None:
                of_luma = distance.slope(luma)
                for channel, factor in enumerate(LUMA):
                    slope[:, channel].add_(of_luma, alpha=factor * share / luma.numel())
            ctx.save_for_backward(slope)
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (slope,) = ctx.saved_tensors
        by_prediction = slope * gradient
        return by_prediction, -by_prediction if ctx.needs_input_grad[1] else None, None, None


def _luma(image: torch.Tensor) -> torch.Tensor:
    """(N, 3, H, W) to (N, H, W)."""
    red, green, blue = (float(factor) for factor in LUMA)
    return (image[:, 0] * red).add_(image[:, 1], alpha=green).add_(image[:, 2], alpha=blue)
