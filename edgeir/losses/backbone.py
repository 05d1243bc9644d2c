"""The perceptual backbone: VGG-19 (Simonyan and Zisserman, ICLR 2015) with weights from a local file.

edgeir has no weights of it and downloads none. The file is a torchvision state dict (``.pth``) or the same names in
safetensors; a run records its SHA-256. The network is frozen: no optimiser sees it and no checkpoint keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import torch
from pydantic import AfterValidator
from torch import nn

from edgeir.core.config import Config
from edgeir.core.errors import ConfigError
from edgeir.losses.base import ImageLoss
from edgeir.models.backbones.vgg import VGG, layer_names
from edgeir.models.backbones.weights import load_frozen

__all__ = ["Backbone", "FrozenFeatures", "Layer", "PerceptualConfig", "backbones_used"]


def _known(layer: str) -> str:
    if layer not in layer_names(19):
        raise ValueError(f"VGG-19 has no such layer; it has {', '.join(layer_names(19))}")
    return layer


Layer = Annotated[str, AfterValidator(_known)]
"""A convolution of VGG-19; a loss says whether it takes the features before its ReLU or after it."""


class Backbone(Config):
    """Where VGG-19's weights are."""

    weights: str | None = None
    """A ``.pth`` state dict of torchvision's vgg19, or a ``.safetensors`` file of the same names."""


class PerceptualConfig(ImageLoss):
    """Base of the losses on VGG-19's features."""

    layer: Layer
    backbone: Backbone = Backbone()

    @property
    def least(self) -> int:
        """Side in pixels of the smallest image that has features in `layer`: every stage before it halves the size."""
        return int(2 ** (int(self.layer.removeprefix("conv")[0]) - 1))

    def features(self, layer: str, *, relu: bool = False) -> FrozenFeatures:
        """The network up to `layer`, frozen; `relu`: with the layer's own ReLU.

        Raises:
            ConfigError: no file of weights is given. CheckpointError: it cannot be read, or holds other weights.
        """
        if self.backbone.weights is None:
            raise ConfigError(
                [f"the loss `{self.kind}` needs the weights of VGG-19, but its `backbone.weights` is null"],
                where="objective.losses",
                fix="give a local file, torchvision's vgg19 state dict (.pth) or safetensors of the same names; "
                "`objective.perceptual=none` trains without such losses",
            )
        return FrozenFeatures(self.backbone.weights, layer, relu=relu)


class FrozenFeatures(nn.Module):
    """(N, 3, H, W) on [0, 1] to the feature map of `layer`, before its ReLU or, with `relu`, after it. `sha256` is the
    file's."""

    def __init__(self, weights: str, layer: str, *, relu: bool = False) -> None:
        super().__init__()
        self.network, self.layer, self.relu = VGG(19, last=layer), layer, relu
        self.sha256 = load_frozen(self.network, weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.network.maps(x, (self.layer,))[self.layer]
        return features.relu() if self.relu else features


def backbones_used(losses: Iterable[Config]) -> list[dict[str, Any]]:
    """The losses among `losses` that need VGG-19: loss, file and its SHA-256. Reads and checks the files.

    Raises:
        ConfigError: no file is given. CheckpointError: a file is none of VGG-19's weights.
    """
    used: list[dict[str, Any]] = []
    for loss in losses:
        if isinstance(loss, PerceptualConfig):
            sha256 = next(m.sha256 for m in loss.build().modules() if isinstance(m, FrozenFeatures))
            used.append(
                {"loss": loss.kind, "network": "vgg-19", "file": loss.backbone.weights, "sha256": sha256}
            )
    return used
