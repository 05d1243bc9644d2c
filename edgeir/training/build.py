"""From a recipe to what the loop needs: the objective with its teacher and planes, and the first weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgeir.checkpoint.load import load_checkpoint, load_weights
from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.core.progress import no_progress
from edgeir.data.degrade.base import to_unit
from edgeir.data.items import labels_of
from edgeir.data.patches import PatchSampler
from edgeir.data.store.pair_store import PairStore
from edgeir.distillation.objective import Objective
from edgeir.models.base import Network, channels_last
from edgeir.quantize.network import FakeQuantized
from edgeir.quantize.synthetic import with_synthetic
from edgeir.training.recipe import Recipe
from edgeir.training.teacher import teacher_images

__all__ = ["build_objective", "first_network", "set_ranges"]


def build_objective(
    recipe: Recipe, network: Network, store: PairStore
) -> tuple[Objective, list[Callable[[int], Any]]]:
    """The objective of a recipe, and what it needs beside each patch, by image: a teacher's images, or labels.

    Raises:
        CheckpointError: the teacher cannot be loaded.
    """
    config = recipe.objective
    losses, adversarial, distillation = config.used_losses, config.adversarial, config.distillation
    if distillation is None or not distillation.methods:
        return Objective(losses, network, adversarial=adversarial), []
    planes: list[Callable[[int], Any]] = []
    teacher: Network | None = None
    if distillation.cache:
        planes = [teacher_images(distillation, store, no_progress)]
    elif distillation.teacher is not None:
        teacher = channels_last(load_checkpoint(distillation.teacher)[0].fused())
    if any(method.needs_labels for method in distillation.methods):
        sizes = [record.size for record in store.records]
        data = recipe.data
        planes = [labels_of(data.sources, data.degradation, data.rescale, sizes, store.kept)]
    return Objective(losses, network, distillation.methods, teacher, adversarial), planes


def first_network(recipe: Recipe) -> Network:
    """The network of a recipe with the weights that training starts from.

    Raises:
        CheckpointError: `fine_tune_from` cannot be loaded, or is another network.
        ConfigError: it was trained for another quantisation than the recipe's.
    """
    network: Network = recipe.model.build()
    if recipe.fine_tune_from is None:
        return network
    other, card, folder = load_checkpoint(recipe.fine_tune_from)
    if card.quantization is not None:
        return _continued(recipe, other, folder)
    load_weights(network, network.weights_from(other), folder)
    return network if recipe.quant is None else FakeQuantized(network, recipe.quant)


def _continued(recipe: Recipe, other: Network, folder: Path) -> Network:
    """A network in integers, trained further."""
    assert isinstance(other, FakeQuantized)
    wanted = recipe.quant
    if wanted != other.settings:
        asked = "in floats" if wanted is None else f"for {wanted.plan.name} with {wanted!r}"
        raise ConfigError(
            [
                f"`fine_tune_from` was trained for {other.settings.plan.name} with {other.settings!r}, not {asked}"
            ],
            where=folder,
            fix="start from the float network that it was fine-tuned from",
        )
    if other.config != recipe.model.build().fused().config:
        raise CheckpointError(f"the checkpoint is of another network: {other.config!r}", where=folder)
    return other


def set_ranges(network: Network, sampler: PatchSampler) -> None:
    """Calibrate a network in integers on the first batches, and on synthetic inputs; others stay as they are."""
    if not isinstance(network, FakeQuantized) or network.calibrated:
        return
    batches = [to_unit(sampler.batch(step)[0]) for step in range(network.settings.calibration_batches)]
    images = with_synthetic(np.concatenate(batches))
    network.calibrate(torch.from_numpy(images).permute(0, 3, 1, 2))
