"""Let a feature imitate the degraded image: the second term of the auto-encoder that initialises DANet-S."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from edgeir.core.errors import ConfigError
from edgeir.distill.base import Batch, Method
from edgeir.distill.taps import Side

__all__ = ["Imitation"]


class Imitation(Method):
    """L1 between a tap that holds an image and the degraded image."""

    kind: Literal["imitation"] = "imitation"
    weight: float = Field(1e-4, gt=0)
    student_tap: str = "encoded"

    @property
    def reads_student(self) -> tuple[str, ...]:
        return (self.student_tap,)

    @property
    def needs_teacher(self) -> bool:
        return False

    def terms(self, student: Side, other: Side, batch: Batch) -> dict[str, torch.Tensor]:
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
