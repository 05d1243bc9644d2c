"""What a run needs beside its pictures, looked for before the first of them is decoded.

A checkpoint that is missing should cost seconds, not the building of a store.
"""

from __future__ import annotations

from pathlib import Path

from edgeir.core.artifact import read_card
from edgeir.core.errors import ConfigError
from edgeir.models.base import Network, outline, refuse_clean_reader
from edgeir.train.checkpoint import configuration, resolve_checkpoint
from edgeir.train.recipe import Recipe
from edgeir.train.sides import check_sides

__all__ = ["check_ahead"]


def check_ahead(recipe: Recipe) -> None:
    """Raise what would otherwise be noticed only after the store is built.

    Raises:
        ConfigError: patches or validation pictures have sides that a network cannot take, or the teacher's pictures are
            not of the student's size or channels.
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
        teacher = outline(configuration(read_card(folder), folder))
        if distillation.cache:
            refuse_clean_reader(teacher, str(folder))  # whole pictures are computed from the damaged ones
        else:  # those are padded, patches are not
            check_sides(recipe, teacher)
        _check_teacher(teacher, outline(recipe.model), distillation.cache, folder)
    for method in distillation.methods:
        method.check()


def _check_teacher(teacher: Network, student: Network, cached: bool, folder: Path) -> None:
    """Both get the same input, unless the teacher's pictures are computed beforehand."""
    ours, theirs = student.facts, teacher.facts
    enlarges = ours.scale if cached else ours.net_scale
    problems = []
    if theirs.net_scale != enlarges:
        whom = "the data" if cached else "the student"
        problems.append(f"the teacher enlarges its input by {theirs.net_scale}, {whom} by {enlarges}")
    if theirs.colour != ours.colour:
        problems.append(f"the teacher has {theirs.channels} channels, the student {ours.channels}")
    if problems:
        raise ConfigError(problems, where=folder)
