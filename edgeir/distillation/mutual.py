"""Mutual learning (Zhang et al., "Deep Mutual Learning", CVPR 2018), for regression: two networks learn from the ground
truth and from each other.

One of the alternatives that STFT is compared with (Table 3). The peer, usually of the student's architecture, restores
the same degraded batch and is trained jointly with the student; each imitates the other's output. The original compares
class probabilities by their divergence; here the distance is one between images. The imitated output is detached, as in
the original, where each network is updated with the other's prediction held fixed.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from edgeir.distillation.base import Batch, Method
from edgeir.distillation.taps import NetworkOutput
from edgeir.models import AnyModel

__all__ = ["MutualLearning"]

_DISTANCES = {"l1": F.l1_loss, "l2": F.mse_loss}


class MutualLearning(Method):
    """Joint training with a peer."""

    kind: Literal["mutual"] = "mutual"
    weight: float = Field(1.0, gt=0, le=1e9)
    """Of the imitation term of either network; 1 in the original."""
    distance: Literal["l1", "l2"] = "l2"
    """Between the two outputs, on the [0, 1] scale.

    An L1 loss with an L1 imitation term of the same weight stalls: between the ground truth and the peer the two
    gradients are equal and opposite (docs/LOG.md)."""
    loss: Literal["l1", "l2"] = "l1"
    """Of the peer against the ground truth."""
    peer: AnyModel
    """The network trained jointly with the student; it starts from other random weights."""

    @property
    def needs_teacher(self) -> bool:
        return False

    @property
    def auxiliary_input(self) -> Literal["clean", "degraded", "student"]:
        return "degraded"

    @property
    def needs_clean(self) -> bool:
        return True  # the peer learns from it

    def auxiliary_config(self) -> AnyModel:
        return self.peer

    def weight_of(self, term: str) -> float:
        return self.weight if term == "mutual" else 1.0

    def terms(self, student: NetworkOutput, other: NetworkOutput, batch: Batch) -> dict[str, torch.Tensor]:
        """``mutual`` for the student, ``peer`` for the peer: its own loss and its imitation term."""
        distance = _DISTANCES[self.distance]
        own = _DISTANCES[self.loss](other.output, batch.hr)
        return {
            "mutual": distance(student.output, other.output.detach()),
            "peer": own + self.weight * distance(other.output, student.output.detach()),
        }
