"""Feature distillation: the student's features should equal a larger teacher's (FitNets, Romero et al. 2015).

The alternative that STFT compares itself with in Table 3. Taps of equal width are compared as they are; there is no
learnt regressor between them, which "would cause performance degradation" (STFT, section 2.2).
"""

from __future__ import annotations

from typing import Literal

import torch

from edgeir.core.errors import ConfigError
from edgeir.distill.base import Batch, TapPairs
from edgeir.distill.distances import DISTANCES, Distance
from edgeir.distill.taps import Side

__all__ = ["FeatureMatch", "same_size"]


class FeatureMatch(TapPairs):
    """Sum over pairs of taps of the distance between their features."""

    kind: Literal["features"] = "features"
    distance: Distance = "l2"

    def terms(self, student: Side, other: Side, batch: Batch) -> dict[str, torch.Tensor]:
        """The unweighted loss under the name ``features``.

        Raises:
            ConfigError: two paired features differ in shape.
        """
        total = student.output.new_zeros(())
        for name, paired in zip(self.student_taps, self.teacher_taps, strict=True):
            ours, theirs = same_size(student, name, other, paired, "teacher")
            total = total + DISTANCES[self.distance](ours, theirs.detach())
        return {"features": total}


def same_size(
    student: Side, name: str, reference: Side, paired: str, role: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Both features, float32.

    Raises:
        ConfigError: they differ in shape; lists the shapes of all taps that were read.
    """
    ours, theirs = student.features[name], reference.features[paired]
    if ours.shape != theirs.shape:
        listed = [f"student {key} {_shape(value)}" for key, value in student.features.items()]
        listed += [f"{role} {key} {_shape(value)}" for key, value in reference.features.items()]
        raise ConfigError(
            [
                f"the tap `{name}` and the {role}'s `{paired}` differ in size; the taps are {', '.join(listed)}"
            ],
            where="objective.distillation",
        )
    return ours.float(), theirs.float()


def _shape(features: torch.Tensor) -> str:
    return "x".join(str(side) for side in features.shape[1:])
