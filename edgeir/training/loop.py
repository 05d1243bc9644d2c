"""The training loop. One `fit()`, on Lightning Fabric, for one process or many, with or without a teacher.

A run is a pure function of its recipe: patches depend on (seed, step), the learning rate on the step, and the
checkpoint holds everything else, so a killed and resumed run continues bit for bit on the CPU.

Where the objective has an adversary, it takes its turn after each of the network's steps; what that means is its own
(`edgeir.training.adversary`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric

from edgeir.core.progress import Progress, no_progress
from edgeir.data.degrade.base import Degraded
from edgeir.data.patches import PatchSampler, Prefetcher
from edgeir.distillation.objective import Objective
from edgeir.models.base import Network
from edgeir.training.meter import Meter, check_norm, check_weights, finite_values
from edgeir.training.recipe import Recipe
from edgeir.training.state import State

__all__ = ["Recorder", "fit"]


class Recorder(Protocol):
    """Where the loop reports to; called on the first process only, except `save`."""

    def log(self, row: dict[str, Any]) -> None:
        """Append one row of metrics."""

    def validate(self, network: Network, step: int) -> float:
        """Measure `network` (the averaged weights where there are any) and return its PSNR in dB."""

    def save(self, state: State) -> None:
        """Write a checkpoint."""


def fit(
    fabric: Fabric,
    recipe: Recipe,
    state: State,
    objective: Objective,
    sampler: PatchSampler,
    recorder: Recorder,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Progress = no_progress,
) -> bool:
    """Train until `recipe.train.steps`, or until `should_stop()`.

    Args:
        state: the network (on the CPU) and optimiser, possibly from a checkpoint; updated in place.
        objective: turns outputs and batches into named loss terms.
        sampler: gives (lr, hr, *planes) for a step.

    Returns:
        True if the run is complete, False if it was stopped (a checkpoint was saved either way).

    Raises:
        NonFiniteError: a term became NaN or infinite.
        TrainingError: the gradient or the weights did, and no term has shown it yet.
    """
    steps = recipe.train.steps
    model, optimizer = fabric.setup(state.network, state.optimizer)
    objective = objective.to(fabric.device)
    for place, companion in state.companions.items():  # so that processes average their gradients too
        objective.auxiliary[place] = fabric.setup_module(companion)
    state.average = {key: value.to(fabric.device) for key, value in state.average.items()}
    if state.opponent is not None:
        state.opponent.setup(fabric)
    share = recipe.data.batch // fabric.world_size
    part = slice(fabric.global_rank * share, (fabric.global_rank + 1) * share)
    batches = Prefetcher(lambda step: sampler.batch(step, part), state.step)
    meter = Meter(state.step, steps)
    try:
        while state.step < steps:
            lr, hr, *planes = (_to_device(array, fabric.device) for array in batches.next())
            rate = recipe.optim.lr * recipe.optim.schedule.factor(state.step, steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            output = model(hr if state.network.reads == "clean" else lr)
            terms = objective.terms(output, lr, hr, planes[0] if planes else None)
            fabric.backward(torch.stack(list(terms.values())).sum())
            values = finite_values(fabric, terms, state.step + 1)
            if recipe.train.clip_grad is not None:
                norm = fabric.clip_gradients(
                    model, optimizer, max_norm=recipe.train.clip_grad, error_if_nonfinite=False
                )
                # With 16-mixed an infinite norm is the scaler's affair: it skips the step, as its first ones often are.
                if norm is not None and recipe.train.precision != "16-mixed":
                    check_norm(norm, state.step + 1)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            beside: dict[str, float] = {}
            if state.opponent is not None:
                beside = state.opponent.take_turn(fabric, output.detach(), hr, rate, state.step + 1)
            _update_average(state, recipe.train.ema)
            state.step += 1
            meter.add(values, beside, batches.waited_s)

            last = state.step == steps
            if state.step % recipe.train.log_every == 0 or last:
                row = meter.row(state.step, rate, recipe.data.batch)
                if fabric.is_global_zero:
                    recorder.log(row)
            if fabric.is_global_zero:
                progress(state.step, steps, meter.label(state.validation))
            stop = _agree(fabric, should_stop())
            validating = state.step % recipe.train.validate_every == 0 or last
            saving = state.step % recipe.train.save_every == 0 or last or stop
            if validating or saving:
                check_weights(state.network, state.step)
            if validating:
                _validate(fabric, state, recorder)
            if saving:
                if fabric.is_global_zero:
                    recorder.save(state)
                fabric.barrier()
            if stop and not last:
                return False
    finally:
        batches.close()
    return True


def _update_average(state: State, decay: float) -> None:
    if not decay:
        return
    # Early on the average follows faster, so that it never carries the initial weights for long.
    decay = min(decay, (1 + state.step) / (10 + state.step))
    current = state.network.state_dict()
    with torch.no_grad():
        for key, value in state.average.items():
            if value.is_floating_point():
                value.lerp_(current[key].detach(), 1 - decay)
            else:
                value.copy_(current[key])


def _validate(fabric: Fabric, state: State, recorder: Recorder) -> None:
    if fabric.is_global_zero:
        with _evaluation_weights(state) as network:
            psnr_db = recorder.validate(network, state.step)
        state.validation = {"psnr_db": psnr_db, "step": state.step}
        if psnr_db > state.best_psnr_db:
            state.best_psnr_db = psnr_db
    fabric.barrier()


class _evaluation_weights:
    """Swap the averaged weights in, and the training weights back out."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __enter__(self) -> Network:
        network = self._state.network
        self._kept = {key: value.detach().clone() for key, value in network.state_dict().items()}
        if self._state.average:
            network.load_state_dict(self._state.average)
        return network.eval()

    def __exit__(self, *exception: object) -> None:
        self._state.network.load_state_dict(self._kept)
        self._state.network.train()


def _agree(fabric: Fabric, stop: bool) -> bool:
    """Whether any process was asked to stop."""
    if fabric.world_size == 1:
        return stop
    asked = fabric.all_reduce(torch.tensor(float(stop), device=fabric.device), reduce_op="sum")
    return bool(asked > 0)  # type: ignore[operator]


def _to_device(array: Degraded, device: torch.device) -> torch.Tensor:
    # NHWC seen as NCHW is channels-last already, which is also the fast layout for convolutions.
    tensor = torch.from_numpy(array).to(device, non_blocking=True).permute(0, 3, 1, 2)
    return tensor.float().div_(255.0) if tensor.dtype == torch.uint8 else tensor
