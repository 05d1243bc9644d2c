"""Variational feature distillation (PISR: Lee et al., "Learning with privileged information for efficient image
super-resolution", ECCV 2020; after Ahn et al., CVPR 2019): DANet compares its fine-tuning with it.

The mutual information between the student's feature f_S and the teacher's f_T is bounded from below by the expected
log-likelihood of f_T under a distribution q(f_T | f_S) whose location and scale are learnt from f_S:

    L = mean over elements of  log b(f_S) + |f_T - mu(f_S)| / b(f_S)              (Laplace, constants dropped)
    L = mean over elements of  log b(f_S) + (f_T - mu(f_S))² / (2 b(f_S)²)        (Gaussian)

Where the student cannot predict the teacher's feature, b grows and the term weakens. The teacher is the auto-encoder
that the student was initialised from, and its input is the clean image, so that its features hold what the degraded
image has lost. Decided here: the head of a pair of taps is 1x1, PReLU, 1x1 for mu and the same for b, per pixel and
channel; b has a lower bound, ``b = softplus(.) + 1e-3``. The head starts at mu = 0 and b = 1 by zero weights in its
last layer. It is trained jointly with the student and discarded afterwards.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import nn

from edgeir.core.errors import ConfigError
from edgeir.distillation.base import Batch, TapPairs, paired
from edgeir.distillation.taps import NetworkOutput, paired_features

__all__ = ["VariationalFeatures", "negative_log_likelihood"]

_FLOOR = 1e-3


class VariationalFeatures(TapPairs):
    """Sum over pairs of taps of the negative log-likelihood of the teacher's feature."""

    kind: Literal["variational-features"] = "variational-features"
    weight: float = Field(1e-4, gt=0, le=1e9)
    """For an image loss on [0, 1]; the paper's weight is for another scale, so this is a choice."""
    distribution: Literal["laplace", "gaussian"] = "laplace"
    channels: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(min_length=1)
    """Of the features of each pair, equal for student and teacher."""

    @model_validator(mode="after")
    def _sized(self) -> VariationalFeatures:
        paired("student_taps", self.student_taps, "channels", self.channels)
        return self

    @property
    def auxiliary_input(self) -> Literal["clean", "degraded", "student"]:
        return "student"

    def auxiliary(self) -> nn.Module:
        return Heads(dict(zip(self.student_taps, self.channels, strict=True)))

    def terms(self, student: NetworkOutput, other: NetworkOutput, batch: Batch) -> dict[str, torch.Tensor]:
        """The unweighted loss under the name ``variational-features``.

        Raises:
            ConfigError: two paired features differ in shape, or a feature has other channels than `channels` says.
        """
        total = student.output.new_zeros(())
        for name, partner in zip(self.student_taps, self.teacher_taps, strict=True):
            _, target = paired_features(student, name, other, partner, role="teacher")
            mean, scale = (student.features[f"{part}:{name}"] for part in ("mean", "scale"))
            total = total + negative_log_likelihood(target.detach(), mean, scale, self.distribution)
        return {"variational-features": total}


def negative_log_likelihood(
    target: torch.Tensor,
    mean: torch.Tensor,
    scale: torch.Tensor,
    distribution: Literal["laplace", "gaussian"] = "laplace",
) -> torch.Tensor:
    """Mean over elements, constants dropped; three tensors of one shape, `scale` above zero."""
    error = (target - mean) / scale
    size = error.abs() if distribution == "laplace" else 0.5 * error.square()
    return (scale.log() + size).mean()


class Heads(nn.Module):
    """Location and scale of the teacher's feature, from each of the student's; called with the student's features."""

    def __init__(self, channels: dict[str, int]) -> None:
        super().__init__()
        self._names = tuple(channels)
        self.heads = nn.ModuleList(_head(width) for width in channels.values())

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """``mean:TAP`` and ``scale:TAP`` for every tap, of the feature's shape.

        Raises:
            ConfigError: a feature has other channels than the head was made for.
        """
        result: dict[str, torch.Tensor] = {}
        for name, head in zip(self._names, self.heads, strict=True):
            assert isinstance(head, nn.Sequential)
            first = head[0]
            assert isinstance(first, nn.Conv2d)
            if features[name].shape[1] != first.in_channels:
                width = features[name].shape[1]
                raise ConfigError(
                    [f"the tap `{name}` has {width} channels, but `channels` says {first.in_channels}"],
                    where="objective.distillation",
                )
            mean, scale = head(features[name]).chunk(2, dim=1)
            result[f"mean:{name}"], result[f"scale:{name}"] = mean, F.softplus(scale) + _FLOOR
        return result


def _head(width: int) -> nn.Sequential:
    last = nn.Conv2d(width, 2 * width, 1)
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    with torch.no_grad():
        last.bias[:width] = 0.0
        last.bias[width:] = math.log(math.expm1(1 - _FLOOR))  # where softplus, with the floor, is one
    return nn.Sequential(nn.Conv2d(width, width, 1), nn.PReLU(), last)
