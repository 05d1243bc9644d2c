"""The interface of a distillation method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from torch import nn

from edgeir.core.config import Config
from edgeir.distillation.taps import NetworkOutput
from edgeir.models import AnyModel

__all__ = ["Batch", "Method", "TapPairs", "paired"]


@dataclass(frozen=True)
class Batch:
    """The images of one training step, (N, C, H, W) on [0, 1]."""

    lr: torch.Tensor
    """Degraded."""
    hr: torch.Tensor
    """Clean."""
    labels: torch.Tensor | None = None
    """(N, 1, H, W) whole numbers, for methods that need them: the class of every pixel of `hr`, -1 for none. A class of
    the whole image is the same everywhere."""


class Method(Config):
    """A distillation method.

    Subclasses have a `kind`, name the taps they read, and turn the networks' outputs and features into unweighted
    terms.
    """

    weight: float = Field(1.0, gt=0, le=1e9)
    """Of the method's terms, unless `weight_of` says otherwise."""

    @property
    def reads_student(self) -> tuple[str, ...]:
        """Taps of the student."""
        return ()

    @property
    def reads_teacher(self) -> tuple[str, ...]:
        """Taps of the teacher."""
        return ()

    @property
    def needs_teacher(self) -> bool:
        """False for a method that has no teacher (it may train an auxiliary network instead)."""
        return True

    def auxiliary_config(self) -> AnyModel | None:
        """The configuration of the auxiliary network, or None."""
        return None

    @property
    def auxiliary_input(self) -> Literal["clean", "degraded", "student"]:
        """Input of the auxiliary network: an image of the pair, or the student's features.

        With ``student`` it maps the student's features, a dictionary by tap, to further ones, which are added to those
        that `terms` gets.
        """
        return "clean"

    def auxiliary(self) -> nn.Module | None:
        """A network that is trained jointly with the student and discarded afterwards, or None."""
        config = self.auxiliary_config()
        return None if config is None else config.build()

    @property
    def needs_labels(self) -> bool:
        """True for a method that reads `Batch.labels`."""
        return False

    def frozen(self) -> nn.Module | None:
        """A network, never trained, that reads the student's output, or None."""
        return None

    @property
    def frozen_reads_clean(self) -> bool:
        """Whether the frozen network also reads the clean batch; its output is then the feature ``clean``."""
        return False

    @property
    def needs_clean(self) -> bool:
        """True for a method that reads the clean image, which unlabelled photographs do not have."""
        companion = self.auxiliary_input == "clean" and self.auxiliary_config() is not None
        return companion or self.frozen_reads_clean

    def check(self) -> None:
        """Raise an `EdgeIRError` when a file that the method needs is not there; called before any image is decoded."""

    def files(self) -> list[dict[str, Any]]:
        """The files of frozen networks, for the record of a run: loss, network, file, sha256; errors as for `check`.

        A run is not resumed with other files than it was started with.
        """
        return []

    @property
    def reads_auxiliary(self) -> tuple[str, ...]:
        """Taps of the auxiliary network."""
        return ()

    def weight_of(self, term: str) -> float:
        """The weight of one of the terms."""
        return self.weight

    def terms(self, student: NetworkOutput, other: NetworkOutput, batch: Batch) -> dict[str, torch.Tensor]:
        """Unweighted terms by name.

        Args:
            student: output and features of the student for the degraded batch.
            other: those of the teacher; without a teacher, of the auxiliary network, or of the frozen network for the
                student's output; else those of the student again.
            batch: degraded and clean images, and the labels where there are any.
        """
        raise NotImplementedError


class TapPairs(Method):
    """A method that compares taps of the student with taps of the teacher, pair by pair."""

    student_taps: tuple[str, ...] = Field(min_length=1)
    teacher_taps: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _paired(self) -> TapPairs:
        paired("student_taps", self.student_taps, "teacher_taps", self.teacher_taps)
        return self

    @property
    def reads_student(self) -> tuple[str, ...]:
        return self.student_taps

    @property
    def reads_teacher(self) -> tuple[str, ...]:
        return self.teacher_taps


def paired(name: str, taps: tuple[str, ...], other: str, partners: tuple[object, ...]) -> None:
    """Raise `ValueError` unless a list of taps and the list paired with it have the same length."""
    if len(taps) != len(partners):
        raise ValueError(
            f"`{name}` has {len(taps)} entries and `{other}` {len(partners)}; they are compared in pairs"
        )
