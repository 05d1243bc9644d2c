"""STFT, supervised target feature transfer: learn the features that an auto-encoder extracts from the **target** (eqs.
4, 5, 11).

An extractor, usually the student without its repeated blocks and without any image-level skip, is trained from scratch,
jointly with the student, to reproduce clean images (eq. 4). The student's features imitate the extractor's on the clean
image (weight lambda1, eq. 5), and the extractor's, more weakly, the student's (lambda2, eq. 11), which keeps them
within the student's reach. Imitated features are detached: no gradient flows into them.

Eqs. 1 to 3 name the mappings: f from the degraded image to the clean one (eq. 1) is the student, g to the clean image's
features (eq. 2) the student up to its taps, h and its inverse (eq. 3) the extractor up to its taps and after them. Eqs.
6 to 10 are analysis only (section 2.3: the feature term as the prior of a Bayesian estimate); there is nothing of them
to compute.

With a skip from input to output an auto-encoder can copy the image and its features mean nothing: choose an extractor
without one (``dncnn`` with ``residual: false``, ``aod-net`` with ``direct: true``; EDSR and ARCNN have none).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator

from edgeir.distillation.base import Batch, Method, paired
from edgeir.distillation.distances import DISTANCES, Distance
from edgeir.distillation.taps import NetworkOutput, paired_features
from edgeir.models import AnyModel

__all__ = ["TargetFeatures"]


class TargetFeatures(Method):
    """Joint training with a target feature extractor."""

    kind: Literal["target-features"] = "target-features"
    weight: float = Field(1.0, gt=0, le=1e9)
    """lambda1: 1 for EDSR, DnCNN, FFDNet and PPDN, 50 for RCAN, 100 for AOD-Net, on a scale of images that the paper
    does not give. Batch-normalised features do not follow that scale: beside an image loss on [0, 1], 1 drew both
    networks to features without content (docs/LOG.md), and 1/255 is what 1 means beside one on 0-255."""
    extractor_weight: float = Field(0.1, ge=0, le=1e9)
    """lambda2."""
    distance: Distance = "l2"
    """Fig. 4: l2 and l1 help most."""
    extractor: AnyModel
    """Of scale 1: it reads clean images and returns them."""
    student_taps: tuple[str, ...] = Field(min_length=1)
    extractor_taps: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> TargetFeatures:
        paired("student_taps", self.student_taps, "extractor_taps", self.extractor_taps)
        if self.extractor.scale != 1:
            raise ValueError(f"the extractor must have scale 1, not {self.extractor.scale}")
        return self

    @property
    def reads_student(self) -> tuple[str, ...]:
        return self.student_taps

    @property
    def reads_auxiliary(self) -> tuple[str, ...]:
        return self.extractor_taps

    @property
    def needs_teacher(self) -> bool:
        return False

    def auxiliary_config(self) -> AnyModel:
        return self.extractor

    def weight_of(self, term: str) -> float:
        return self.weight if term == "target-features" else 1.0

    def terms(self, student: NetworkOutput, other: NetworkOutput, batch: Batch) -> dict[str, torch.Tensor]:
        """``target-features`` for the student (the sum in eq. 5), ``extractor`` for the extractor (eq. 11; its first
        term is eq. 4).

        Raises:
            ConfigError: two paired features differ in shape.
        """
        distance = DISTANCES[self.distance]
        to_target = to_student = student.output.new_zeros(())
        for name, other_name in zip(self.student_taps, self.extractor_taps, strict=True):
            ours, target = paired_features(student, name, other, other_name, role="extractor")
            to_target = to_target + distance(ours, target.detach())
            to_student = to_student + distance(target, ours.detach())
        reconstruction = F.l1_loss(other.output, batch.hr)
        return {
            "target-features": to_target,
            "extractor": reconstruction + self.extractor_weight * to_student,
        }
