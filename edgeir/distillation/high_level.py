"""A frozen high-level network behind the student: the joint loss of "When Image Denoising Meets High-Level Vision
Tasks" (Liu et al., IJCAI 2018, eq. 1).

    L(F(x), y) = L_D(F_D(x), clean) + lambda L_H(F_H(F_D(x)), y)

L_D is the recipe's image loss (``l2``), L_H the cross-entropy of the frozen network F_H on the restored image, and
`weight` is lambda: 0.25 for classification, 0.5 for segmentation. Only the denoiser F_D is updated. The restored
image is not clipped on its way, so that a gradient comes back from every pixel.

The paper does not say whether the mean squared error is a mean over values or, as Caffe's layer has it, half the sum
over an image, nor on which scale; the ratio of the two terms is therefore a recipe's choice (the weight of ``l2``).

``target: clean`` is an extension for images without labels: y is the output of F_H for the clean image, as
probabilities.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from edgeir.core.errors import ConfigError, DataError
from edgeir.distillation.base import Batch, Method
from edgeir.distillation.taps import NetworkOutput
from edgeir.models.backbones.frozen import AnyHighLevel, Frozen

__all__ = ["HighLevelTask"]

IGNORED = -1
"""Label of a pixel that is ignored."""


class HighLevelTask(Method):
    """Cross-entropy of a frozen classifier or segmentation network on the student's output."""

    kind: Literal["high-level"] = "high-level"
    weight: float = Field(0.25, gt=0, le=1e9)
    """lambda: 0.25 for classification, 0.5 for segmentation."""
    network: AnyHighLevel
    target: Literal["labels", "clean"] = "labels"

    @property
    def needs_teacher(self) -> bool:
        return False

    @property
    def needs_labels(self) -> bool:
        return self.target == "labels"

    @property
    def frozen_reads_clean(self) -> bool:
        return self.target == "clean"

    def check(self) -> None:
        self.network.check()

    def files(self) -> list[dict[str, Any]]:
        return [{"loss": self.kind, **entry} for entry in self.network.files()]

    def frozen(self) -> Frozen:
        return self.network.build()

    def terms(self, student: NetworkOutput, other: NetworkOutput, batch: Batch) -> dict[str, torch.Tensor]:
        """The cross-entropy under the name ``high-level``; `other.output` are the scores of the frozen network.

        Raises:
            ConfigError: scores and labels differ in size. DataError: a label that the network has no class for.
        """
        scores = other.output
        if self.target == "clean":
            return {"high-level": F.cross_entropy(scores, other.features["clean"].softmax(1))}
        assert batch.labels is not None, "the recipe was checked"
        labels = batch.labels[:, 0].long()
        if scores.ndim == 2:  # a class of the whole image is a map with one value
            labels = labels[:, 0, 0]
        elif scores.shape[2:] != labels.shape[1:]:
            sizes = ["x".join(map(str, shape)) for shape in (scores.shape[2:], labels.shape[1:])]
            raise ConfigError(
                [f"the high-level network's scores are {sizes[0]}, the labels {sizes[1]}"],
                where="objective.distillation",
                fix="let the network enlarge its scores to the size of its input",
            )
        largest = int(labels.max())
        if largest >= scores.shape[1]:
            raise DataError(f"a label is {largest}, but the high-level network has {scores.shape[1]} classes")
        return {"high-level": F.cross_entropy(scores, labels, ignore_index=IGNORED)}
