"""The discriminator's side of training: after each of the network's steps it takes one of its own.

The loop hands over the outputs that the network's step has used, detached, and the clean patches; it knows neither the
discriminator nor its loss. The optimiser is of the network's kind and follows its schedule (PPCN, section 4.2: one rate
"for all layers"), at `rate` times its learning rate. Adversaries are no part of what a run publishes: only the state to
resume from keeps them.
"""

from __future__ import annotations

import torch
from lightning_fabric import Fabric

from edgeir.losses.adversarial import Adversary
from edgeir.training.meter import finite_values
from edgeir.training.optim import Optim

__all__ = ["DiscriminatorTrainer"]


class DiscriminatorTrainer:
    """An adversary and the optimiser that trains it."""

    def __init__(self, adversary: Adversary, optim: Optim) -> None:
        self.adversary = adversary
        self.optimizer = optim.build(adversary.parameters())

    def setup(self, fabric: Fabric) -> None:
        """Place both on this process's device; several processes will average the adversary's gradients."""
        self._model, self._optimizer = fabric.setup(self.adversary, self.optimizer)

    def step(
        self, fabric: Fabric, output: torch.Tensor, target: torch.Tensor, rate: float, step: int
    ) -> dict[str, float]:
        """One step of the adversary.

        Args:
            output: the network's, detached, (N, 3, H, W) on [0, 1]. target: the clean patches.
            rate: the network's learning rate in this step. step: its number from 1, for the error.

        Returns:
            ``adversary/loss`` and ``adversary/accuracy``, means over all processes.

        Raises:
            NonFiniteError: one of them is not finite; the adversary has not moved.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = rate * self.adversary.config.rate
        terms = self._model(output, target)
        fabric.backward(terms["loss"])
        values = finite_values(fabric, {f"adversary/{name}": value for name, value in terms.items()}, step)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return values
