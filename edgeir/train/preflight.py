"""What a run needs beside its pictures, looked for before the first of them is decoded.

A checkpoint that is missing should cost seconds, not the building of a store.
"""

from __future__ import annotations

from edgeir.core.artifact import read_card
from edgeir.models.base import outline
from edgeir.train.checkpoint import configuration, resolve_checkpoint
from edgeir.train.recipe import Recipe
from edgeir.train.sides import check_sides

__all__ = ["check_ahead"]


def check_ahead(recipe: Recipe) -> None:
    """Raise what would otherwise be noticed only after the store is built.

    Raises:
        ConfigError: patches or validation pictures have sides that a network cannot take.
        CheckpointError: `init` or the teacher is missing.
        EdgeIRError: a file that a distillation method needs is missing.
    """
    check_sides(recipe)
    if recipe.init is not None:
        resolve_checkpoint(recipe.init)
    distillation = recipe.objective.distillation
    if distillation is None or not distillation.methods:  # the control never loads its teacher
        return
    if distillation.teacher is not None:
        folder = resolve_checkpoint(distillation.teacher)
        if not distillation.cache:  # which runs it on whole pictures, never on patches
            check_sides(recipe, outline(configuration(read_card(folder), folder)))
    for method in distillation.methods:
        method.check()
