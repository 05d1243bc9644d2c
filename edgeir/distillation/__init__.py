"""Distillation methods: one file each, and the union of their configurations, `AnyDistillation`.

A method names the taps that it reads on each network and turns the two networks' features and outputs into loss terms;
the training loop does not know it. `edgeir.distillation.objective` combines image losses and methods.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgeir.distillation.attention import AttentionMaps
from edgeir.distillation.features import FeatureMatch
from edgeir.distillation.high_level import HighLevelTask
from edgeir.distillation.imitation import Imitation
from edgeir.distillation.mutual import MutualLearning
from edgeir.distillation.output import OutputMatch
from edgeir.distillation.svdo import SVDO
from edgeir.distillation.target_features import TargetFeatures
from edgeir.distillation.variational import VariationalFeatures

__all__ = [
    "SVDO",
    "AnyDistillation",
    "AttentionMaps",
    "FeatureMatch",
    "HighLevelTask",
    "Imitation",
    "MutualLearning",
    "OutputMatch",
    "TargetFeatures",
    "VariationalFeatures",
]

AnyDistillation = Annotated[
    AttentionMaps
    | FeatureMatch
    | OutputMatch
    | TargetFeatures
    | MutualLearning
    | VariationalFeatures
    | SVDO
    | Imitation
    | HighLevelTask,
    Field(discriminator="kind"),
]
"""Every distillation method, discriminated by `kind`."""
