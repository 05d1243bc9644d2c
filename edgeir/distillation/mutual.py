"""Mutual learning (Zhang et al., "Deep Mutual Learning", CVPR 2018), for regression: two networks learn from the ground
truth and from each other.

The alternative without any other knowledge that STFT compares itself with in Table 3. The peer, usually of the
student's own shape, restores the same degraded batch and is trained beside the student; each is drawn to the other's
output. The original compares class probabilities by their divergence; here the distance is one between pictures. Each
pull stops at its target, as in the original, where each network is updated with the other's prediction held fixed.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from edgeir.distillation.base import Batch, Method
from edgeir.distillation.taps import Side
from edgeir.models import AnyModel

__all__ = ["MutualLearning"]

_DISTANCES = {"l1": F.l1_loss, "l2": F.mse_loss}


class MutualLearning(Method):
    """Joint training with a peer."""

    kind: Literal["mutual"] = "mutual"
    weight: float = Field(1.0, gt=0, le=1e9)
    """Of the pull on either side; 1 in the original."""
    distance: Literal["l1", "l2"] = "l2"
    """Between the two outputs, on the [0, 1] scale.

    Beside an L1 loss an L1 pull of the same weight stalls: between the ground truth and the peer the two gradients are
    equal and opposite (docs/LOG.md)."""
    loss: Literal["l1", "l2"] = "l1"
    """Of the peer against the ground truth."""
    peer: AnyModel
    """The network beside the student; it starts from other random weights."""

    @property
    def needs_teacher(self) -> bool:
        return False

    @property
    def companion_reads(self) -> Literal["clean", "degraded", "student"]:
        return "degraded"

    def companion_config(self) -> AnyModel:
        return self.peer

    def weight_of(self, term: str) -> float:
        return self.weight if term == "mutual" else 1.0

    def terms(self, student: Side, other: Side, batch: Batch) -> dict[str, torch.Tensor]:
        """``mutual`` for the student, ``peer`` for the peer: its own loss and its pull."""
        distance = _DISTANCES[self.distance]
        own = _DISTANCES[self.loss](other.output, batch.hr)
        return {
            "mutual": distance(student.output, other.output.detach()),
            "peer": own + self.weight * distance(other.output, student.output.detach()),
        }
