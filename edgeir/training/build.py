"""From a recipe to what the loop needs: the objective with its teacher and planes, and the first weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgeir.checkpoint.load import load_checkpoint, load_weights
from edgeir.core.progress import no_progress
from edgeir.data.items import labels_of
from edgeir.data.store.pair_store import PairStore
from edgeir.distillation.objective import Objective
from edgeir.models.base import Network, channels_last
from edgeir.training.recipe import Recipe
from edgeir.training.teacher import teacher_images

__all__ = ["build_objective", "initialise"]


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


def initialise(network: Network, source: str) -> None:
    """Start `network` with what the checkpoint `source` computes; in place."""
    other, _, folder = load_checkpoint(source)
    load_weights(network, network.weights_from(other), folder)
