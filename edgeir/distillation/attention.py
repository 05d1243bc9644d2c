"""Attention-map distillation (PPCN eq. 12, after Zagoruyko & Komodakis).

For each pair of taps j, the feature maps are averaged over channels, F(A) = mean_c A_c, flattened and L2-normalised:

    L_kd = sum_j || Q_S^j / |Q_S^j| - Q_T^j / |Q_T^j| ||_2

`form: norm` is that equation, averaged over the batch. `form: squared` is what the authors' code computes: half the
sum of squared differences, divided by the batch size. The two networks may differ in width, not in the size of a map.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from edgeir.distillation.base import Batch, TapPairs
from edgeir.distillation.taps import NetworkOutput, paired_features

__all__ = ["AttentionMaps"]


class AttentionMaps(TapPairs):
    """Match the normalised channel-mean maps of pairs of taps."""

    kind: Literal["attention"] = "attention"
    weight: float = Field(75.0, gt=0, le=1e9)
    """75 is the weight in PPCN eq. 13, whose other terms are on the [0, 1] scale as well."""
    form: Literal["norm", "squared"] = "norm"

    def terms(self, student: NetworkOutput, other: NetworkOutput, batch: Batch) -> dict[str, torch.Tensor]:
        """The unweighted loss under the name ``attention``.

        Raises:
            ConfigError: two paired maps differ in size.
        """
        total = student.output.new_zeros(())
        for name, paired in zip(self.student_taps, self.teacher_taps, strict=True):
            ours, theirs = paired_features(student, name, other, paired, role="teacher", any_width=True)
            difference = _attention(ours) - _attention(theirs.detach())
            if self.form == "norm":
                total = total + difference.norm(dim=1).mean()
            else:
                total = total + 0.5 * difference.square().sum() / len(difference)
        return {"attention": total}


def _attention(features: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) to the unit-length maps (N, H·W)."""
    return F.normalize(features.mean(dim=1).flatten(1), dim=1)
