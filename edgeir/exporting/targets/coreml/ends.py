"""What stands before and behind the network in a package: an image's scale of 0 to 255."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["Ends"]


class Ends(nn.Module):
    """The network; with `image`, from and to values of 0 to 255, as a pixel buffer has them.

    The network's own clip keeps them in range. The interpreter rounds them to bytes; whether Core ML rounds
    or cuts off is seen by `edgeir prove` on a Mac only.
    """

    def __init__(self, network: nn.Module, *, image: bool) -> None:
        super().__init__()
        self.network, self.image = network, image

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.network(x * (1 / 255) if self.image else x)
        return out * 255.0 if self.image else out
