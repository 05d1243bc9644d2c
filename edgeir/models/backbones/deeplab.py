"""DeepLab-LargeFOV (Chen et al., ICLR 2015, arXiv 1412.7062), based on VGG-16: 20,505,429 parameters for 21 classes.

As in the authors' Caffe definition: pooling 3x3 with stride 2 in the first three stages and stride 1 in the last two,
dilation 2 in conv5, a 3x3 average pooling, fc6 3x3 of dilation 12, fc7 and fc8 1x1; scores come at an eighth of the
size and are enlarged bilinearly to the image's, corner on corner (an image of 8 k + 1 pixels is what that fits
exactly; the authors train on 321x321).

Weights are named as Caffe's layers: ``conv1_1.weight``, ``conv1_1.bias`` … ``conv5_3``, ``fc6``, ``fc7``, ``fc8``.
Images come as RGB on [0, 1]; the network turns them into what those weights expect, BGR on [0, 255] less the mean
colour.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from edgeir.models.backbones.vgg import VGG_DEPTHS, VGG_WIDTHS

__all__ = ["DeepLabLargeFOV"]

_MEAN_BGR = (104.008, 116.669, 122.675)


class DeepLabLargeFOV(nn.Module):
    """(N, 3, H, W) RGB on [0, 1] to (N, classes, H, W) scores.

    Args:
        classes: outputs of fc8; 21 for Pascal VOC with its background.
    """

    mean: torch.Tensor

    def __init__(self, classes: int = 21) -> None:
        super().__init__()
        self._stages: list[list[str]] = []
        width = 3
        for stage, (channels, count) in enumerate(zip(VGG_WIDTHS, VGG_DEPTHS[16], strict=True), start=1):
            names = [f"conv{stage}_{position}" for position in range(1, count + 1)]
            dilation = 2 if stage == 5 else 1
            for name in names:
                self.add_module(name, nn.Conv2d(width, channels, 3, padding=dilation, dilation=dilation))
                width = channels
            self._stages.append(names)
        self.fc6 = nn.Conv2d(width, 1024, 3, padding=12, dilation=12)
        self.fc7 = nn.Conv2d(1024, 1024, 1)
        self.fc8 = nn.Conv2d(1024, classes, 1)
        self.register_buffer("mean", torch.tensor(_MEAN_BGR).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores at the size of the image."""
        return F.interpolate(self.coarse(x), x.shape[2:], mode="bilinear", align_corners=True)

    def coarse(self, x: torch.Tensor) -> torch.Tensor:
        """Scores at an eighth of the size: (N, classes, h, w), h and w the side halved and rounded up three times."""
        out = x.flip(1) * 255 - self.mean
        for stage, names in enumerate(self._stages, start=1):
            for name in names:
                out = F.relu(self.get_submodule(name)(out))
            # Caffe rounds a pooled size up, and 3x3 windows keep the grids of all scales corner on corner.
            out = F.max_pool2d(out, 3, 2 if stage <= 3 else 1, padding=1, ceil_mode=True)
        out = F.avg_pool2d(out, 3, 1, padding=1)
        out = F.dropout(F.relu(self.fc6(out)), training=self.training)
        out = F.dropout(F.relu(self.fc7(out)), training=self.training)
        scores: torch.Tensor = self.fc8(out)
        return scores
