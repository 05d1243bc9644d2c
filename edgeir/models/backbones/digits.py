"""Two small high-level networks for scikit-learn's handwritten digits: a classifier, and the segmentation of strokes.

Made for the small case of joint training (`benchmarks/high_level.py` trains them); not from any paper. Both take
(N, 3, H, W) on [0, 1] of any size that is a multiple of 4.
"""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["DigitClassifier", "StrokeSegmenter"]

_WIDTH = 16


def _convolutions(given: int, out: int, dilation: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(given, out, 3, padding=dilation, dilation=dilation), nn.BatchNorm2d(out), nn.ReLU()]


class DigitClassifier(nn.Module):
    """(N, 3, H, W) to (N, 10) scores."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_convolutions(3, _WIDTH),
            nn.MaxPool2d(2),
            *_convolutions(_WIDTH, 2 * _WIDTH),
            nn.MaxPool2d(2),
            *_convolutions(2 * _WIDTH, 4 * _WIDTH),
            # A coarse grid is kept: the position of a stroke distinguishes a 6 from a 9.
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(4 * 4 * _WIDTH, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.layers(x)
        return scores


class StrokeSegmenter(nn.Module):
    """(N, 3, H, W) to (N, 2, H, W) scores of background and stroke; fully convolutional."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_convolutions(3, _WIDTH),
            *_convolutions(_WIDTH, _WIDTH, dilation=2),
            nn.Conv2d(_WIDTH, 2, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.layers(x)
        return scores
