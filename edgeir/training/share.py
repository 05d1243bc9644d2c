"""One process's share of a training: network, objective, sampler and optimizer, and the loop over them."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning_fabric import Fabric

from edgeir.core.progress import Progress
from edgeir.core.trust import trusting_code
from edgeir.data.degrade.base import enlargement_of
from edgeir.data.patches import PatchSampler
from edgeir.data.store.pair_store import PairStore
from edgeir.models.base import channels_last
from edgeir.training.adversary import DiscriminatorTrainer
from edgeir.training.build import build_objective, first_network, set_ranges
from edgeir.training.loop import fit
from edgeir.training.recipe import Recipe
from edgeir.training.record import RunFolder
from edgeir.training.resume import drop_later_rows
from edgeir.training.signals import stop_requests
from edgeir.training.state import State, unpack

__all__ = ["work"]


def work(
    fabric: Fabric,
    recipe: Recipe,
    run: RunFolder,
    resume: bool,
    store: PairStore,
    threads: int,
    trust: bool,
    progress: Progress,
) -> tuple[bool, int, dict[str, Any], int]:
    """Train in this process, from the start or from the run's last checkpoint.

    Args:
        threads: of torch, in this process.
        trust: whether code of others may run; a process of its own does not inherit it.

    Returns:
        Whether all steps were done, the last step, the metrics of the last validation, and how many images were too
        small for a patch.
    """
    with trusting_code(trust):
        torch.set_num_threads(threads)
        torch.manual_seed(recipe.train.seed)
        network = channels_last(first_network(recipe))
        objective, planes = build_objective(recipe, network, store)
        sampler = PatchSampler(
            store,
            patch=recipe.data.patch,
            batch=recipe.data.batch,
            seed=recipe.train.seed,
            augment=recipe.data.augment,
            planes=planes,
            degradation=None if store.paired else recipe.data.degradation,
            gray=network.facts.colour == "y",
            enlarge=enlargement_of(recipe.data.degradation)
            if network.facts.input_kind == "bicubic"
            else None,
            planes_scale=recipe.model.scale // store.scale,
        )
        if not resume:
            set_ranges(network, sampler)
        trained = [*network.parameters(), *objective.auxiliary.parameters()]
        fused = recipe.train.precision != "16-mixed"  # whose scaler could not clip the gradients
        state = State(network, recipe.optim.build(trained, fused=fused), {}, objective.auxiliary)
        if objective.adversary is not None:
            state.discriminator = DiscriminatorTrainer(objective.adversary, recipe.optim)
        if recipe.train.ema:
            state.average = {key: value.detach().clone() for key, value in network.state_dict().items()}
        if resume:
            unpack(state, run.path / "checkpoints" / "last")
            if fabric.is_global_zero:
                drop_later_rows(run.path, state.step)
        network.train()
        with stop_requests() as should_stop:
            done = fit(
                fabric, recipe, state, objective, sampler, run, should_stop=should_stop, progress=progress
            )
        best = state.best_psnr_db if math.isfinite(state.best_psnr_db) else None
        metrics = {**state.validation, "best_psnr_db": best}
        return done, state.step, metrics, sampler.skipped
