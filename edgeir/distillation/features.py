"""Feature distillation: the student's features should equal a larger teacher's (FitNets, Romero et al., ICLR 2015,
eq. 3; here a mean instead of half the sum).

One of the alternatives that STFT is compared with (Table 3). Taps of equal width are compared directly; there is no
learnt regressor between them, which "would cause performance degradation" (STFT, section 2.2).
"""

from __future__ import annotations

from typing import Literal

import torch

from edgeir.distillation.base import Batch, TapPairs
from edgeir.distillation.distances import DISTANCES, Distance
from edgeir.distillation.taps import NetworkOutput, paired_features

__all__ = ["FeatureMatch"]


class FeatureMatch(TapPairs):
    """Sum over pairs of taps of the distance between their features."""

    kind: Literal["features"] = "features"
    distance: Distance = "l2"

    def terms(self, student: NetworkOutput, other: NetworkOutput, batch: Batch) -> dict[str, torch.Tensor]:
        """The unweighted loss under the name ``features``.

        Raises:
            ConfigError: two paired features differ in shape.
        """
        total = student.output.new_zeros(())
        for name, paired in zip(self.student_taps, self.teacher_taps, strict=True):
            ours, theirs = paired_features(student, name, other, paired, role="teacher")
            total = total + DISTANCES[self.distance](ours, theirs.detach())
        return {"features": total}
