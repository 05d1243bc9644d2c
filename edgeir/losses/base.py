"""The interface of an image loss."""

from __future__ import annotations

from pydantic import Field
from torch import nn

from edgeir.core.config import Config

__all__ = ["ImageLoss"]


class ImageLoss(Config):
    """A term of a recipe's total, a function of (prediction, target), both (N, C, H, W) on [0, 1]."""

    kind: str
    weight: float = Field(1.0, gt=0, le=1e9)

    @property
    def least(self) -> int:
        """Side in pixels of the smallest image that it can be computed on."""
        return 1

    def build(self) -> nn.Module:
        """The loss without its weight."""
        raise NotImplementedError
