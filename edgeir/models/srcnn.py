"""SRCNN, the baseline that the PIRM 2018 challenge times every entry against.

The challenge's own variant: 9x9 3->64, 5x5 64->32, 5x5 32->3 on the bicubic-enlarged RGB image, ReLU between,
tanh·0.58 + 0.5 at the end, the last bias one scalar. 69,249 parameters, 63.7 GMAC at 1280x720.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from edgeir.core.errors import CheckpointError
from edgeir.manifest.facts import NetworkFacts
from edgeir.models.base import Network
from edgeir.models.config import NetworkConfig

__all__ = ["SRCNN", "load_reference_weights"]


class SRCNNConfig(NetworkConfig):
    """Configuration of `SRCNN`."""

    kind: Literal["srcnn"] = "srcnn"
    scale: int = Field(4, ge=1, le=16)
    """How much the input was enlarged before; the network itself is the same for every scale."""

    @property
    def facts(self) -> NetworkFacts:
        return NetworkFacts(scale=self.scale, input_kind="bicubic", receptive_radius=8)

    def build(self) -> SRCNN:
        return SRCNN(self)


class SRCNN(Network):
    """(N, 3, H, W) -> (N, 3, H, W) on the enlarged image; values in (-0.08, 1.08)."""

    def __init__(self, config: SRCNNConfig) -> None:
        super().__init__()
        self.config: SRCNNConfig = config
        self.conv1 = nn.Conv2d(3, 64, 9, padding=4)
        self.conv2 = nn.Conv2d(64, 32, 5, padding=2)
        self.conv3 = nn.Conv2d(32, 3, 5, padding=2, bias=False)
        self.bias3 = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = F.relu(self.conv2(F.relu(self.conv1(x))))
        return torch.tanh(self.conv3(hidden) + self.bias3) * 0.58 + 0.5

    def taps(self) -> dict[str, nn.Module]:
        return {"conv1": self.conv1, "conv2": self.conv2}


def load_reference_weights(network: SRCNN, path: str | Path) -> None:
    """Load the challenge's published weights (an ``.npz`` of HWIO arrays named ``generator__w1`` …).

    Raises:
        CheckpointError: an array is missing or has another shape.
    """
    with np.load(path, allow_pickle=False) as arrays:
        for index, conv in enumerate((network.conv1, network.conv2, network.conv3), start=1):
            bias = network.bias3 if index == 3 else conv.bias
            for name, target in ((f"generator__w{index}", conv.weight), (f"generator__b{index}", bias)):
                if target is None or name not in arrays:
                    raise CheckpointError(
                        f"the array `{name}` is missing, so these are no SRCNN weights", where=path
                    )
                value = torch.from_numpy(np.array(arrays[name], dtype=np.float32))
                value = value.permute(3, 2, 0, 1) if value.ndim == 4 else value.reshape(-1)
                if value.shape != target.shape:
                    raise CheckpointError(
                        f"`{name}` has shape {tuple(value.shape)} instead of {tuple(target.shape)}",
                        where=path,
                    )
                with torch.no_grad():
                    target.copy_(value)
