"""Sides of patches and validation images: whether a recipe's networks (`size_multiple`) and losses can take them."""

from __future__ import annotations

import math

from edgeir.core.errors import ConfigError
from edgeir.models.config import NetworkConfig
from edgeir.training.recipe import Recipe

__all__ = ["check_sides", "clean_step"]


def clean_step(network: NetworkConfig) -> int:
    """What the sides of a clean image must be a multiple of, so that the network can take its degraded version."""
    scale, multiple = network.facts.scale, network.facts.size_multiple
    return math.lcm(scale, multiple) if _reads_large(network) else scale * multiple


def check_sides(recipe: Recipe, teacher: NetworkConfig | None = None) -> None:
    """Check `data.patch` and `validation.size` against what the student, its companions and the teacher can take, and
    what the losses need.

    Raises:
        ConfigError: with the multiple and the nearest sides that fit, or the least side.
    """
    student: NetworkConfig = recipe.model
    scale, patch, size = student.facts.scale, recipe.data.patch, recipe.validation.size
    enlarged = (
        scale if student.facts.input_kind == "bicubic" else 1
    )  # the side of what is given, in patch pixels
    step = _patch_step(student, scale if _reads_large(student) else 1)
    if teacher is not None:
        step = math.lcm(step, _patch_step(teacher, scale if teacher.reads == "clean" else enlarged))
    distillation = recipe.objective.distillation
    for method in distillation.methods if distillation is not None else ():
        if (config := method.auxiliary_config()) is not None:
            factor = scale if method.auxiliary_input == "clean" else enlarged
            step = math.lcm(step, _patch_step(config, factor))
    problems = []
    if patch % step:
        problems.append(_problem("data.patch", patch, step))
    problems += [
        f"`data.patch` is {patch}, {patch * scale} pixels of the clean image, but `{loss.kind}` needs {loss.least}"
        for loss in recipe.objective.used_losses
        if patch * scale < loss.least
    ]
    # A size that is no multiple of the scale is cut down to one; only the network's own multiple is a condition.
    if size // scale * scale % clean_step(student):
        problems.append(_problem("validation.size", size, clean_step(student)))
    if problems:
        raise ConfigError(problems, where=recipe.name)


def _reads_large(network: NetworkConfig) -> bool:
    """Whether its input has the size of the clean image."""
    return network.facts.input_kind == "bicubic" or network.reads == "clean"


def _patch_step(network: NetworkConfig, factor: int) -> int:
    """What a patch must be a multiple of where the network is given `factor` times its side."""
    multiple = network.facts.size_multiple
    return multiple // math.gcd(multiple, factor)


def _problem(key: str, side: int, step: int) -> str:
    fitting = [str(near) for near in (side // step * step, side // step * step + step) if near]
    return f"`{key}` is {side}, but the networks take multiples of {step}: {' or '.join(fitting)}"
