"""Optimisers and learning-rate schedules. A schedule is a function of the step alone, so nothing of it needs saving."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

import torch
from pydantic import Field

from edgeir.core.config import Config

__all__ = ["MAX_STEPS", "AnySchedule", "Constant", "Cosine", "Optim", "Steps"]

MAX_STEPS = 1_000_000_000
"""More optimiser steps than any run takes."""

_StepCount: TypeAlias = Annotated[int, Field(ge=0, le=MAX_STEPS)]
_Beta: TypeAlias = Annotated[float, Field(ge=0, lt=1)]


class Constant(Config):
    """The same rate throughout."""

    kind: Literal["constant"] = "constant"
    warmup: _StepCount = 0
    """Steps over which the rate rises linearly from zero."""

    def factor(self, step: int, steps: int) -> float:
        """Multiplier of the rate at 0-based `step` of `steps`."""
        return _warm(self.warmup, step)


class Cosine(Config):
    """Half a cosine from the full rate to `final` of it."""

    kind: Literal["cosine"] = "cosine"
    warmup: _StepCount = 0
    """Steps over which the rate rises linearly from zero."""
    final: float = Field(0.0, ge=0, le=1)
    """Share of the rate left at the end."""

    def factor(self, step: int, steps: int) -> float:
        """Multiplier of the rate at 0-based `step` of `steps`."""
        done = min(1.0, max(0, step - self.warmup) / max(1, steps - self.warmup))
        return _warm(self.warmup, step) * (
            self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * done))
        )


class Steps(Config):
    """Multiply the rate by `gamma` at every milestone, or every `every` steps."""

    kind: Literal["steps"] = "steps"
    warmup: _StepCount = 0
    """Steps over which the rate rises linearly from zero."""
    every: _StepCount = 0
    """Steps between two drops; 0 uses `milestones` only."""
    milestones: tuple[_StepCount, ...] = ()
    gamma: float = Field(0.5, gt=0, le=1)

    def factor(self, step: int, steps: int) -> float:
        """Multiplier of the rate at 0-based `step` of `steps`."""
        drops = sum(step >= milestone for milestone in self.milestones) + (
            step // self.every if self.every else 0
        )
        return float(_warm(self.warmup, step) * self.gamma**drops)


AnySchedule = Annotated[Constant | Cosine | Steps, Field(discriminator="kind")]
"""Every schedule, discriminated by `kind`."""


class Optim(Config):
    """Adam, AdamW or SGD with momentum, and its learning rate."""

    kind: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = Field(5e-4, gt=0, le=100)
    betas: tuple[_Beta, _Beta] = (0.9, 0.999)
    eps: float = Field(1e-8, gt=0, le=1)
    weight_decay: float = Field(0.0, ge=0, le=10)
    momentum: float = Field(0.9, ge=0, lt=1)
    """Of SGD; Adam has `betas` instead."""
    schedule: AnySchedule = Cosine()

    def build(self, parameters: Iterable[torch.nn.Parameter], *, fused: bool = True) -> torch.optim.Optimizer:
        """The optimiser.

        Args:
            fused: update all tensors in one kernel, which takes a fifth of the time. A gradient scaler cannot clip the
                gradients of such an optimiser.
        """
        if self.kind == "sgd":
            return torch.optim.SGD(
                parameters,
                lr=self.lr,
                momentum=self.momentum,
                weight_decay=self.weight_decay,
                fused=fused,
            )
        kind = torch.optim.Adam if self.kind == "adam" else torch.optim.AdamW
        return kind(
            parameters,
            lr=self.lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            fused=fused,
        )


def _warm(warmup: int, step: int) -> float:
    return min(1.0, (step + 1) / warmup) if warmup else 1.0
