"""One optimiser step: forward, losses, backward, checks, update, moving average.

Beside a network of 100,000 parameters everything that is done tensor by tensor shows in the time of a step, so the
optimiser and the moving average work on all tensors in one call, and what a step measures is read in one piece.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from lightning_fabric import Fabric

from edgeir.distillation.objective import Objective
from edgeir.training.meter import check_norm, finite_values
from edgeir.training.recipe import Recipe
from edgeir.training.state import State

__all__ = ["MovingAverage", "Stepper"]


class MovingAverage:
    """Keeps `average` following the tensors of `current`, both by name, in place.

    Statistics that are no floats (counters) are copied. `current` must stay the same tensors, as a network's state dict
    does once the network is on its device.
    """

    def __init__(
        self, average: dict[str, torch.Tensor], current: dict[str, torch.Tensor], decay: float
    ) -> None:
        self._decay = decay
        floats = [name for name, value in average.items() if value.is_floating_point()]
        self._average = [average[name] for name in floats]
        self._current = [current[name].detach() for name in floats]
        self._copied = [
            (value, current[name]) for name, value in average.items() if not value.is_floating_point()
        ]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights of the step with this number, from 0."""
        # Early on the average follows faster, so that it never carries the initial weights for long.
        decay = min(self._decay, (1 + step) / (10 + step))
        if self._average:
            torch._foreach_lerp_(self._average, self._current, 1 - decay)
        for value, current in self._copied:
            value.copy_(current)


class Stepper:
    """Trains `state` by one batch at a time.

    Making it puts the network, the optimiser and everything else on this process's device.
    """

    def __init__(self, fabric: Fabric, recipe: Recipe, state: State, objective: Objective) -> None:
        self._fabric, self._recipe, self._state = fabric, recipe, state
        self._model, self._optimizer = fabric.setup(state.network, state.optimizer)
        self._objective = objective.to(fabric.device)
        for place, companion in state.companions.items():  # so that processes average their gradients too
            objective.auxiliary[place] = fabric.setup_module(companion)
        state.average = {key: value.to(fabric.device) for key, value in state.average.items()}
        self._average = MovingAverage(state.average, state.network.state_dict(), recipe.train.ema)
        if state.discriminator is not None:
            state.discriminator.setup(fabric)

    def rate(self) -> float:
        """The learning rate of the next step."""
        optim = self._recipe.optim
        return optim.lr * optim.schedule.factor(self._state.step, self._recipe.train.steps)

    def step(
        self, lr: torch.Tensor, hr: torch.Tensor, planes: Sequence[torch.Tensor]
    ) -> tuple[dict[str, float], dict[str, float]]:
        """One step; `state.step` counts it.

        Args:
            lr, hr: degraded and clean patches, (N, C, H, W) on [0, 1]. planes: what else comes with the batch.

        Returns:
            The terms of the loss, and what else was measured, means over all processes.

        Raises:
            NonFiniteError: a term became NaN or infinite; nothing has moved.
            TrainingError: the gradient did.
        """
        state, number, rate = self._state, self._state.step + 1, self.rate()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        output = self._model(hr if state.network.reads == "clean" else lr)
        terms = self._objective.terms(output, lr, hr, planes[0] if planes else None)
        self._fabric.backward(torch.stack(list(terms.values())).sum())
        values = finite_values(self._fabric, terms, number)
        self._clip(number)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        others: dict[str, float] = {}
        if state.discriminator is not None:
            others = state.discriminator.step(self._fabric, output.detach(), hr, rate, number)
        self._average.update(state.step)
        state.step = number
        return values, others

    def _clip(self, number: int) -> None:
        train = self._recipe.train
        if train.clip_grad is None:
            return
        norm = self._fabric.clip_gradients(
            self._model, self._optimizer, max_norm=train.clip_grad, error_if_nonfinite=False
        )
        # With 16-mixed an infinite norm is the scaler's affair: it skips the step, as its first ones often are.
        if norm is not None and train.precision != "16-mixed":
            check_norm(norm, number)
