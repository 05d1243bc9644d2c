"""Total variation (PPCN eq. 11): a penalty on the output's own gradients, against noise. It ignores the target."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from edgeir.losses.base import ImageLoss

__all__ = ["TotalVariation"]


class TotalVariation(ImageLoss):
    """Two forms of the same idea, images on [0, 1].

    ``squared`` is the authors' configuration: mean of squared vertical differences + mean of squared horizontal ones.
    ``printed`` is eq. 11 as printed: the sum of |dx + dy| over all positions that have both neighbours / (C · H · W),
    mean over the batch. The equation does not say which norm it means; read here as the sum of absolute values.
    """

    kind: Literal["total-variation"] = "total-variation"
    form: Literal["squared", "printed"] = "squared"

    def build(self) -> nn.Module:
        return TotalVariationLoss(self.form)


class TotalVariationLoss(nn.Module):
    """See `TotalVariation`."""

    def __init__(self, form: Literal["squared", "printed"]) -> None:
        super().__init__()
        self.form = form

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        vertical = prediction[:, :, 1:, :] - prediction[:, :, :-1, :]
        horizontal = prediction[:, :, :, 1:] - prediction[:, :, :, :-1]
        if self.form == "squared":
            return vertical.square().mean() + horizontal.square().mean()
        both = vertical[:, :, :, :-1] + horizontal[:, :, :-1, :]
        return both.abs().sum() / prediction.numel()
