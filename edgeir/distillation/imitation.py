"""Let a feature imitate the degraded image: the second term of the auto-encoder that initialises DANet-S.

    L = L2(decoded, clean) + 1e-4 L1(encoded, degraded)

is the auto-encoder's total (DANet, section 3.5, after PISR, Lee et al., ECCV 2020): a recipe with the loss ``l2`` and
this method. Both terms are means over elements. In the second phase the student has eq. 1 alone (section 2.4: it is
fine-tuned "instead of collaborative training").
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from edgeir.core.errors import ConfigError
from edgeir.distillation.base import Batch, Method
from edgeir.distillation.taps import NetworkOutput

__all__ = ["Imitation"]


class Imitation(Method):
    """Mean absolute difference between a tap that holds an image and the degraded image."""

    kind: Literal["imitation"] = "imitation"
    weight: float = Field(1e-4, gt=0, le=1e9)
    """For a mean squared error on [0, 1]."""
    student_tap: str = "encoded"

    @property
    def reads_student(self) -> tuple[str, ...]:
        return (self.student_tap,)

    @property
    def needs_teacher(self) -> bool:
        return False

    def terms(self, student: NetworkOutput, other: NetworkOutput, batch: Batch) -> dict[str, torch.Tensor]:
        """The unweighted loss under the name ``imitation``.

        Raises:
            ConfigError: the tap is no image of the degraded one's size.
        """
        encoded = student.features[self.student_tap]
        if encoded.shape != batch.lr.shape:
            raise ConfigError(
                [f"the tap `{self.student_tap}` has shape {tuple(encoded.shape)}, not the degraded image's"],
                where="objective.distillation",
            )
        return {"imitation": F.l1_loss(encoded, batch.lr)}
