"""VGG-16 and VGG-19 (Simonyan and Zisserman, ICLR 2015, configurations D and E).

Layers are numbered and parameters named as in torchvision (``features.0.weight`` …, ``classifier.6.bias``), so that
its published state dicts load as they are. Feature maps are asked for by the paper's names: ``conv4_2`` is the second
convolution of the fourth stage **before** its ReLU.

Images come as RGB on [0, 1]; the ImageNet normalisation is part of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from edgeir.core.errors import ConfigError

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "VGG", "VGG_DEPTHS", "VGG_WIDTHS", "layer_names"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
VGG_WIDTHS = (64, 128, 256, 512, 512)
VGG_DEPTHS: dict[int, tuple[int, ...]] = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def layer_names(depth: Literal[16, 19]) -> tuple[str, ...]:
    """Names of the convolutions in forward order, ``conv1_1`` to ``conv5_3`` or ``conv5_4``."""
    return tuple(
        f"conv{stage}_{position}"
        for stage, count in enumerate(VGG_DEPTHS[depth], start=1)
        for position in range(1, count + 1)
    )


class VGG(nn.Module):
    """(N, 3, H, W) on [0, 1] to (N, classes) scores, or to feature maps.

    Args:
        depth: 16 or 19.
        classes: outputs of the classifier; None leaves the classifier out.
        last: the deepest convolution needed; later ones are left out, and the classifier with them.

    Raises:
        ConfigError: `last` is no convolution of this network.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self, depth: Literal[16, 19] = 16, *, classes: int | None = 1000, last: str | None = None
    ) -> None:
        super().__init__()
        names = layer_names(depth)
        if last is not None and last not in names:
            raise ConfigError([f"VGG-{depth} has no layer `{last}`"], fix=f"choose one of {', '.join(names)}")
        layers: list[nn.Module] = []
        self._positions: dict[str, int] = {}
        width = 3
        for stage, (channels, count) in enumerate(zip(VGG_WIDTHS, VGG_DEPTHS[depth], strict=True), start=1):
            for position in range(1, count + 1):
                self._positions[f"conv{stage}_{position}"] = len(layers)
                layers += [nn.Conv2d(width, channels, 3, padding=1), nn.ReLU()]
                width = channels
            layers.append(nn.MaxPool2d(2))
        if last is not None:
            layers = layers[: self._positions[last] + 1]
        self.features = nn.Sequential(*layers)
        self.classifier: nn.Module | None = None
        if classes is not None and last is None:
            self.classifier = nn.Sequential(
                *(nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout()),
                *(nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, classes)),
            )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores, or the last feature map where there is no classifier."""
        out: torch.Tensor = self.features((x - self.mean) / self.std)
        if self.classifier is None:
            return out
        scores: torch.Tensor = self.classifier(nn.functional.adaptive_avg_pool2d(out, 7).flatten(1))
        return scores

    def maps(self, x: torch.Tensor, names: Sequence[str]) -> dict[str, torch.Tensor]:
        """Feature maps of the named convolutions, before their ReLU.

        Raises:
            KeyError: a name is no convolution of this network.
        """
        wanted = {self._positions[name]: name for name in names}
        features: dict[str, torch.Tensor] = {}
        out = (x - self.mean) / self.std
        for position, layer in enumerate(self.features):
            out = layer(out)
            if position in wanted:
                features[wanted[position]] = out
                if len(features) == len(wanted):
                    break
        return features
