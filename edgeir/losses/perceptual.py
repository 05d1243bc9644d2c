"""The perceptual loss of PPCN's submitted model: difference of VGG-19's features (PPCN, footnote 3 of Table 3).

    L_vgg = || phi_l(target) - phi_l(output) ||²

Decided here, since the footnote leaves it open: the mean over elements instead of their sum, so that the weight does
not depend on the size of the patch, and l = conv5_4, the layer of the loss that PPCN takes over (Ignatov et al., ICCV
2017). ``distance: l1`` is the mean absolute difference.

``relu: true``, the default, takes phi_l after the layer's ReLU: that loss is "based on the ReLU activation layers of
the pre-trained 19-layer VGG network" (PPCN, section 1). ``relu: false`` takes the convolution itself.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from edgeir.losses.backbone import FrozenFeatures, Layer, PerceptualConfig

__all__ = ["Perceptual"]


class Perceptual(PerceptualConfig):
    """Distance of the two images' features."""

    kind: Literal["perceptual"] = "perceptual"
    layer: Layer = "conv5_4"
    relu: bool = True
    """Features after the ReLU of `layer`, not before it."""
    distance: Literal["l2", "l1"] = "l2"

    def build(self) -> nn.Module:
        return PerceptualLoss(self.features(self.layer, relu=self.relu), self.distance)


class PerceptualLoss(nn.Module):
    """See `Perceptual`; images of at least 16x16 pixels where the layer is of the fifth stage."""

    def __init__(self, features: FrozenFeatures, distance: Literal["l2", "l1"]) -> None:
        super().__init__()
        self.features = features
        self._distance = F.mse_loss if distance == "l2" else F.l1_loss

    def forward(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            reference = self.features(target)
        return self._distance(self.features(prediction), reference)
