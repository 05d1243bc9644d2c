"""Spectral value difference orthogonality (FDR-Net eq. 5): decorrelate the channels of the student's own features.

``(lambda_max(F F^T) - lambda_min(F F^T))²`` with F the features of one image as a matrix, channels by positions:
zero when all channels have the same energy and no two are correlated. Exact eigenvalues; the matrix is only channels
by channels. The paper does not divide by the number of positions; `normalise` does, which makes the weight
independent of the patch.

The paper's total (eq. 8) is L1 + beta times this, beta 1e-5: a recipe with the loss ``l1`` and this method. The paper
does not say how several modules, or the images of a batch, are put together: here the sum over taps of the mean over
images.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from edgeir.distillation.base import Batch, Method
from edgeir.distillation.taps import NetworkOutput, at_least_float32

__all__ = ["SVDO"]


class SVDO(Method):
    """A regularisation of features; it needs no other network."""

    kind: Literal["svdo"] = "svdo"
    weight: float = Field(1e-5, gt=0, le=1e9)
    """Beta of eq. 8, for features that are not normalised; of order 1 for those that are."""
    student_taps: tuple[str, ...] = Field(min_length=1)
    """FDR-Net: ``phase.N.disentangle``."""
    normalise: bool = False

    @property
    def reads_student(self) -> tuple[str, ...]:
        return self.student_taps

    @property
    def needs_teacher(self) -> bool:
        return False

    def terms(self, student: NetworkOutput, other: NetworkOutput, batch: Batch) -> dict[str, torch.Tensor]:
        """The unweighted loss under the name ``svdo``: mean over images, sum over taps."""
        total = student.output.new_zeros(())
        for name in self.student_taps:
            features = at_least_float32(student.features[name]).flatten(2)
            scale = features.shape[2] if self.normalise else 1
            values = torch.linalg.eigvalsh(features @ features.transpose(1, 2) / scale)
            total = total + (values[:, -1] - values[:, 0]).square().mean()
        return {"svdo": total}
