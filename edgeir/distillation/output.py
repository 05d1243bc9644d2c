"""Output distillation: the student's image should equal the teacher's.

After Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015), whose soft targets are class
probabilities; at a high temperature their loss becomes the squared distance between the two networks' outputs (their
section 2.1), which also applies to images: ``l2`` here. ``l1`` is an alternative, as in the image losses of
super-resolution papers.

The teacher's image lacks the detail that no network can predict, so that its gradient is less noisy than that of the
ground truth, which remains in the image losses, unless a recipe leaves those out (`objective.losses: []`).
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field

from edgeir.distillation.base import Batch, Method
from edgeir.distillation.taps import NetworkOutput
from edgeir.losses.pixel import ABSOLUTE, SQUARED, PixelLoss

__all__ = ["OutputMatch"]


class OutputMatch(Method):
    """Mean distance between the two outputs, on the [0, 1] scale."""

    kind: Literal["output"] = "output"
    distance: Literal["l1", "l2"] = "l1"
    luma: float = Field(0.0, ge=0, le=1)
    """Share of the distance that is measured on luma, as in the image losses."""

    def terms(self, student: NetworkOutput, other: NetworkOutput, batch: Batch) -> dict[str, torch.Tensor]:
        """The unweighted loss under the name ``output``."""
        distance = PixelLoss(ABSOLUTE if self.distance == "l1" else SQUARED, self.luma)
        return {"output": distance(student.output, other.output.detach())}
