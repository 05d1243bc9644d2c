"""PPCN's texture loss (eq. 8): a discriminator learns to distinguish the network's patches from a camera's, and the
network to deceive it.

    L_texture = - sum_i log D(G(input_i))

D is the discriminator's probability that a patch was taken by a camera. ``form: printed`` is that equation.
``form: saturating`` is what the authors' configuration computes, log(1 - D), whose gradient fades while the
discriminator is right. Both are means over the batch here, so that the batch size and the number of processes change
nothing; the sum of eq. 8 is a weight multiplied by the batch size.

The discriminator minimises the cross-entropy over both kinds of patches, half of its batch each (the authors draw one
of the two per image; the paper prints no equation for it),

    L_D = - 1/2 mean_i log D(target_i) - 1/2 mean_i log(1 - D(G(input_i)))

on the outputs that the network's own step has just used. Probabilities stay logarithms
throughout, which needs none of the authors' clipping at 1e-10.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from edgeir.core.config import Config
from edgeir.models.discriminator import MADE, SMALLEST, TAKEN, Discriminator

__all__ = ["Adversarial", "Adversary"]


class Adversarial(Config):
    """The texture loss and its discriminator."""

    weight: float = Field(1.0, gt=0, le=1e9)
    form: Literal["printed", "saturating"] = "printed"
    patch: int = Field(100, ge=SMALLEST, le=512)
    """Side of the output patches in pixels; the discriminator's size follows it."""
    rate: float = Field(1.0, gt=0, le=1e3)
    """The discriminator's learning rate, relative to the network's. From about 1e-3 on it tends to collapse: its output
    is then one half for every patch, its loss stays at log 2 = 0.693, and the texture loss has no gradient."""

    def build(self) -> Adversary:
        return Adversary(self)


class Adversary(nn.Module):
    """``forward`` is the discriminator's own loss, `texture` the network's."""

    def __init__(self, config: Adversarial) -> None:
        super().__init__()
        self.config = config
        self.network = Discriminator(config.patch)

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        """The discriminator's loss and accuracy.

        Args:
            output: the network's output, detached, (N, 3, patch, patch) on [0, 1].
            target: patches of the camera.

        Returns:
            ``loss``, the cross-entropy to minimise, and ``accuracy``, the share of correct classifications in [0, 1].
        """
        # One pass over both: several processes average gradients once per pass.
        made, taken = self.network(torch.cat([output, target])).chunk(2)
        right = torch.cat([made[:, MADE] > made[:, TAKEN], taken[:, TAKEN] > taken[:, MADE]])
        loss = -(made[:, MADE].mean() + taken[:, TAKEN].mean()) / 2
        return {"loss": loss, "accuracy": right.float().mean().detach()}

    def texture(self, output: torch.Tensor) -> torch.Tensor:
        """The texture loss of `output` (eq. 8), unweighted; no gradient reaches the discriminator's weights."""
        frozen = {name: value.detach() for name, value in self.network.named_parameters()}
        answers: torch.Tensor = torch.func.functional_call(self.network, frozen, (output,))
        if self.config.form == "printed":
            return -answers[:, TAKEN].mean()
        return answers[:, MADE].mean()
