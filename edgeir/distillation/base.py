"""What every distillation method offers to the objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from torch import nn

from edgeir.core.config import Config
from edgeir.distillation.taps import Side
from edgeir.models import AnyModel

__all__ = ["Batch", "Method", "TapPairs", "paired"]


@dataclass(frozen=True)
class Batch:
    """What a step trains on, (N, C, H, W) on [0, 1]."""

    lr: torch.Tensor
    """Degraded."""
    hr: torch.Tensor
    """Clean."""
    labels: torch.Tensor | None = None
    """(N, 1, H, W) whole numbers, for methods that need them: the class of every pixel of `hr`, -1 for none. A class of
    the whole picture is the same everywhere."""


class Method(Config):
    """A way of following another network.

    Subclasses have a `kind`, name the taps they read, and turn what the networks did into unweighted terms.
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
        """False for a method that trains a companion instead of following a teacher."""
        return True

    def companion_config(self) -> AnyModel | None:
        """The configuration of the companion, or None."""
        return None

    @property
    def companion_reads(self) -> Literal["clean", "degraded", "student"]:
        """What the companion is given: an image of the pair, or the student's features.

        Of the student's features, a dictionary by tap, it makes further ones, which `terms` finds beside them.
        """
        return "clean"

    def companion(self) -> nn.Module | None:
        """A network that is trained together with the student and thrown away, or None."""
        config = self.companion_config()
        return None if config is None else config.build()

    @property
    def needs_labels(self) -> bool:
        """True for a method that reads `Batch.labels`."""
        return False

    def frozen(self) -> nn.Module | None:
        """A network, never trained, that reads what the student made of the batch, or None."""
        return None

    @property
    def judges_clean(self) -> bool:
        """True where the frozen network reads the clean batch too; the result is the feature ``clean``."""
        return False

    def check(self) -> None:
        """Raise an `EdgeIRError` when a file that the method needs is not there; called before any image is decoded."""

    def files(self) -> list[dict[str, Any]]:
        """What a run records of the files of frozen networks: loss, network, file, sha256; errors as for `check`.

        A run is not resumed with other files than it was begun with.
        """
        return []

    @property
    def reads_companion(self) -> tuple[str, ...]:
        """Taps of the companion."""
        return ()

    def weight_of(self, term: str) -> float:
        """The weight of one of the terms."""
        return self.weight

    def terms(self, student: Side, other: Side, batch: Batch) -> dict[str, torch.Tensor]:
        """Unweighted terms by name.

        Args:
            student: what the student made of the degraded batch.
            other: what the teacher made of it; without a teacher, what the companion made of the image it reads; of a
                method with a frozen network, what that made of the student's output; else the student's side again.
            batch: both versions of it, and the labels where there are any.
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
    """Raise `ValueError` unless a list of taps and what belongs to them have the same length."""
    if len(taps) != len(partners):
        raise ValueError(
            f"`{name}` has {len(taps)} entries and `{other}` {len(partners)}; they are compared in pairs"
        )
