"""What the training loop minimises: image losses and distillation methods.

The loop passes the network's output and the batch and gets named terms; it does not know which of them come from the
ground truth and which from a teacher.

The papers' totals, as recipes write them (weights for images on [0, 1]):

- PPCN eq. 6, MAE + 25 (1 - SSIM) with the MAE on 0-255: ``l1`` 255, ``ssim`` 25.
- PPCN eq. 7, the content loss 4 CX + 25 (1 - SSIM): ``contextual`` 4, ``ssim`` 25.
- PPCN eq. 13, 10 content + texture + colour + 2000 TV + 75 KD: ``contextual`` 40, ``ssim`` 250, ``adversarial`` 1 times
  the batch size, ``colour`` 1, ``total-variation`` 2000, ``attention`` 75.
- DANet eq. 1: ``l2``; its auto-encoder (section 3.5): ``l2`` 1, ``imitation`` 1e-4.
- FDR-Net eq. 8, L1 + beta SVDO: ``l1`` 1, ``svdo`` 1e-5.
- STFT eqs. 5 and 11: ``l1`` 1, ``target-features`` lambda1 with `extractor_weight` lambda2. The totals of its two
  networks share no gradient, so that one sum trains each by its own equation.
- Liu et al. (IJCAI 2018) eq. 1: ``l2``, ``high-level`` lambda.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from edgeir.distillation import AnyDistillation
from edgeir.distillation.base import Batch
from edgeir.distillation.taps import NetworkOutput, TapRecorder
from edgeir.losses import AnyLoss
from edgeir.losses.adversarial import Adversarial
from edgeir.models.base import Network

__all__ = ["Objective"]


class Objective(nn.Module):
    """Weighted sum of named terms.

    Args:
        losses: image losses against the ground truth.
        student: the network to train, unwrapped (taps are read on it).
        methods: distillation methods.
        teacher: a frozen network that runs on every batch; None if every method uses the cached teacher image that
            comes with the batch, or has no teacher.
        adversarial: the texture loss; its discriminator is trained in alternation with the student.

    Besides the student only two kinds of networks are trained: auxiliary networks, whose parameters the student's
    optimiser gets too, and the discriminator, which has its own optimiser and no gradient from `terms`.
    """

    def __init__(
        self,
        losses: Sequence[AnyLoss],
        student: Network,
        methods: Sequence[AnyDistillation] = (),
        teacher: Network | None = None,
        adversarial: Adversarial | None = None,
    ) -> None:
        super().__init__()
        self.names: list[str] = [loss.kind for loss in losses]
        self.weights: dict[str, float] = {loss.kind: loss.weight for loss in losses}
        self.losses = nn.ModuleList(loss.build() for loss in losses)
        self.methods = tuple(methods)
        self.teacher = teacher
        self._student = TapRecorder(
            student, [name for m in methods for name in m.reads_student], role="student"
        )
        if teacher is not None:
            teacher.eval().requires_grad_(False)
            names = [name for m in methods for name in m.reads_teacher]
            self._teacher = TapRecorder(teacher, names, role="teacher")
        self.auxiliary = nn.ModuleDict()
        """Networks that are trained jointly with the student, by the index of their method."""
        self._auxiliary_taps: dict[str, TapRecorder] = {}
        for position, method in enumerate(self.methods):
            auxiliary = method.auxiliary()
            if auxiliary is not None:
                self.auxiliary[str(position)] = auxiliary
                if isinstance(auxiliary, Network):
                    self._auxiliary_taps[str(position)] = TapRecorder(
                        auxiliary, method.reads_auxiliary, role="extractor"
                    )
        self.adversary = None if adversarial is None else adversarial.build()
        self._labelled = any(method.needs_labels for method in self.methods)
        self.frozen = nn.ModuleDict()
        """Frozen networks that read the student's output, by the index of their method."""
        for position, method in enumerate(self.methods):
            if (frozen := method.frozen()) is not None:
                self.frozen[str(position)] = frozen

    def terms(
        self, output: torch.Tensor, lr: torch.Tensor, hr: torch.Tensor, plane: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Weighted terms by name; `output` is the student's for `lr`, all (N, C, H, W) on [0, 1].

        `plane` comes with the batch: the labels where a method needs them, else the teacher's image where it was
        computed beforehand (a recipe never has both).
        """
        cached, labels = (None, plane) if self._labelled else (plane, None)
        result: dict[str, torch.Tensor] = {
            name: self.weights[name] * loss(output, hr)
            for name, loss in zip(self.names, self.losses, strict=True)
        }
        if self.adversary is not None:
            result["texture"] = self.adversary.config.weight * self.adversary.texture(output)
        student = self._student.take(output)
        if not self.methods:
            return result
        teacher = None
        if any(method.needs_teacher for method in self.methods):
            teacher = self._run_teacher(lr, hr) if cached is None else NetworkOutput(cached)
        for position, method in enumerate(self.methods):
            ours = other = student
            if str(position) in self.auxiliary:
                if method.auxiliary_input == "student":
                    more = self.auxiliary[str(position)](student.features)
                    ours = NetworkOutput(student.output, {**student.features, **more})
                else:
                    other = self._run_auxiliary(
                        str(position), hr if method.auxiliary_input == "clean" else lr
                    )
            if method.needs_teacher:
                assert teacher is not None
                other = teacher
            elif str(position) in self.frozen:
                other = self._run_frozen(str(position), output, hr if method.frozen_reads_clean else None)
            for name, value in method.terms(ours, other, Batch(lr, hr, labels)).items():
                result[_unused(f"distill/{name}", result)] = method.weight_of(name) * value
        return result

    def _run_auxiliary(self, position: str, image: torch.Tensor) -> NetworkOutput:
        return self._auxiliary_taps[position].take(self.auxiliary[position](image))

    def _run_frozen(self, position: str, output: torch.Tensor, clean: torch.Tensor | None) -> NetworkOutput:
        frozen = self.frozen[position]
        if clean is None:
            return NetworkOutput(frozen(output))
        with torch.no_grad():
            target = frozen(clean)
        return NetworkOutput(frozen(output), {"clean": target})

    def _run_teacher(self, lr: torch.Tensor, hr: torch.Tensor) -> NetworkOutput:
        assert self.teacher is not None
        with torch.no_grad():
            return self._teacher.take(self.teacher(hr if self.teacher.reads == "clean" else lr))


def _unused(name: str, taken: Mapping[str, object]) -> str:
    """`name`, with a number appended where another method has the same name."""
    same = sum(
        key == name or (key.startswith(f"{name}-") and key.removeprefix(f"{name}-").isdigit())
        for key in taken
    )
    return name if same == 0 else f"{name}-{same + 1}"
