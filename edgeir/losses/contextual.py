"""The contextual loss on feature maps (Mechrez et al., ECCV 2018; PPCN eqs. 1-2).

It asks that every target feature has a similar one somewhere in the output, and so forgives the misalignment that
pairs from two cameras have. Distances are cosine, halved; they are divided by each input feature's smallest one,
turned into affinities with bandwidth h, and the best input of every target counts.

PPCN takes the features from conv4_2 of VGG-19, before its ReLU, with h = 0.5 and at most 65² positions.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from edgeir.losses.backbone import FrozenFeatures, Layer, PerceptualConfig

__all__ = ["Contextual", "contextual_loss"]

_EPSILON = 1e-5


class Contextual(PerceptualConfig):
    """Contextual loss (PPCN eqs. 1-2) on features of VGG-19; 4 times this is the first term of eq. 7."""

    kind: Literal["contextual"] = "contextual"
    layer: Layer = "conv4_2"
    bandwidth: float = Field(0.5, ge=1e-3, le=1000)
    """h of eq. 2."""
    samples: int = Field(65**2, ge=1, le=128**2)
    """At most this many positions of a map, spread evenly."""

    def build(self) -> nn.Module:
        return ContextualLoss(self.features(self.layer), self.bandwidth, self.samples)


class ContextualLoss(nn.Module):
    """See `Contextual`."""

    def __init__(self, features: FrozenFeatures, bandwidth: float, samples: int) -> None:
        super().__init__()
        self.features, self._bandwidth, self._samples = features, bandwidth, samples

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            reference = self.features(target)
        return contextual_loss(
            self.features(prediction), reference, bandwidth=self._bandwidth, samples=self._samples
        )


def contextual_loss(
    features: torch.Tensor, target: torch.Tensor, *, bandwidth: float = 0.5, samples: int = 65**2
) -> torch.Tensor:
    """-log of the contextual similarity, mean over the batch; 0 at best.

    Args:
        features, target: (N, C, H, W) of the output and of the target, of equal size.
        bandwidth: h of eq. 2.
        samples: at most this many positions, spread evenly (the affinities of M positions take M² numbers).
    """
    # The target's mean over batch and positions is subtracted from both: cosines of uncentred features are all near 1.
    mean = target.mean((0, 2, 3), keepdim=True)
    x, y = (F.normalize((t - mean).flatten(2), dim=1) for t in (features, target))
    x, y = spread(x, samples), spread(y, samples)
    distance = (1 - torch.einsum("nci,ncj->nij", x, y)) / 2
    relative = distance / (distance.amin(2, keepdim=True) + _EPSILON)
    affinity = torch.softmax((1 - relative) / bandwidth, dim=2)
    similarity = affinity.amax(1).mean(1)
    return -torch.log(similarity).mean()


def spread(features: torch.Tensor, most: int) -> torch.Tensor:
    """(N, C, P) to at most `most` of its P positions, spread evenly."""
    positions = features.shape[2]
    if positions <= most:
        return features
    return features[:, :, torch.linspace(0, positions - 1, most, device=features.device).round().long()]
