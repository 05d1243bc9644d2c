"""What a run needs beside its pictures, looked for before the first of them is decoded.

A checkpoint that is missing should cost seconds, not the building of a store.
"""

from __future__ import annotations

from edgeir.train.checkpoint import resolve_checkpoint
from edgeir.train.recipe import Recipe

__all__ = ["check_ahead"]


def check_ahead(recipe: Recipe) -> None:
    """Raise what would otherwise be noticed only after the store is built.

    Raises:
        CheckpointError: `init` or the teacher is missing.
        EdgeIRError: a file that a distillation method needs is missing.
    """
    if recipe.init is not None:
        resolve_checkpoint(recipe.init)
    distillation = recipe.objective.distillation
    if distillation is None or not distillation.methods:  # the control never loads its teacher
        return
    if distillation.teacher is not None:
        resolve_checkpoint(distillation.teacher)
    for method in distillation.methods:
        method.check()
