"""Distillation methods: one file each, and the union of their configurations, `AnyDistillation`.

A method names the taps that it reads on each network and turns the two sides' values into loss terms; the training
loop does not know it. `edgeir.distill.objective` puts image losses and methods together.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgeir.distill.attention import AttentionMaps
from edgeir.distill.features import FeatureMatch
from edgeir.distill.high_level import HighLevelTask
from edgeir.distill.imitation import Imitation
from edgeir.distill.mutual import MutualLearning
from edgeir.distill.output import OutputMatch
from edgeir.distill.svdo import SVDO
from edgeir.distill.target_features import TargetFeatures
from edgeir.distill.variational import VariationalFeatures

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
