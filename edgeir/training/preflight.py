"""What a run needs beside its images, looked for before the first of them is decoded.

A checkpoint that is missing should cost seconds, not the building of a store.
"""

from __future__ import annotations

import logging
from typing import Any, get_args

import torch

from edgeir.checkpoint.load import configuration
from edgeir.checkpoint.resolve import resolve_checkpoint
from edgeir.core.errors import ConfigError
from edgeir.distillation.taps import check_taps
from edgeir.manifest.card import read_card
from edgeir.models.base import refuse_clean_reader
from edgeir.models.config import NetworkConfig
from edgeir.training.recipe import Recipe, Task
from edgeir.training.sizes import check_sides

__all__ = ["check_ahead", "check_precision", "teacher_record"]

_LOG = logging.getLogger(__name__)


def check_ahead(recipe: Recipe) -> None:
    """Raise what would otherwise be noticed only after the store is built.

    Raises:
        ConfigError: patches or validation images have sides that a network cannot take; the teacher or a peer does
            not take what the student takes or gives other sizes or channels; or a method reads a tap that its network
            does not have.
        CheckpointError: `fine_tune_from` or the teacher is missing.
        UntrustedCodeError: a network is code of another package, and the user has not allowed to run it.
        EdgeIRError: a file that a distillation method needs is missing.
    """
    check_sides(recipe)
    recipe.model.check()
    if recipe.fine_tune_from is not None:
        start = resolve_checkpoint(recipe.fine_tune_from)
        configuration(read_card(start), start).check()
    distillation = recipe.objective.distillation
    if distillation is None or not distillation.methods:  # the control never loads its teacher
        return
    _check_taps(
        "student", recipe.model, [name for method in distillation.methods for name in method.reads_student]
    )
    if distillation.teacher is not None:
        folder = resolve_checkpoint(distillation.teacher)
        teacher = configuration(read_card(folder), folder)
        teacher.check()
        _check_taps(
            "teacher", teacher, [name for method in distillation.methods for name in method.reads_teacher]
        )
        if distillation.cache:
            refuse_clean_reader(teacher, str(folder))  # whole images are computed from the degraded ones
        else:  # those are padded, patches are not
            check_sides(recipe, teacher)
        _check_partner("the teacher", teacher, recipe, folder, cached=distillation.cache)
    for method in distillation.methods:
        config = method.auxiliary_config()
        if config is not None:
            config.check()
            _check_taps("extractor", config, list(method.reads_auxiliary))
        if method.auxiliary_input == "degraded" and config is not None:
            _check_partner(f"the network beside the student in `{method.kind}`", config, recipe, recipe.name)
        method.check()


def _check_taps(role: str, config: NetworkConfig, names: list[str]) -> None:
    """The taps that methods read of one network."""
    if names:
        check_taps(names, config.tap_names(), role=role)


def teacher_record(recipe: Recipe) -> dict[str, Any]:
    """What a run records of the teacher that it follows, under ``teacher``; empty where there is none.

    Raises:
        CheckpointError: it is missing.
    """
    distillation = recipe.objective.distillation
    if distillation is None or not distillation.methods or distillation.teacher is None:
        return {}
    folder = resolve_checkpoint(distillation.teacher)
    return {"teacher": {"file": distillation.teacher, "sha256": read_card(folder).weights_sha256}}


def check_precision(recipe: Recipe) -> None:
    """Raise where the number format cannot be used here; log where the processor only emulates it.

    Raises:
        ConfigError: 16-mixed without a GPU, for which Fabric would take bfloat16 in silence.
    """
    if torch.accelerator.is_available():
        return
    if recipe.train.precision == "16-mixed":
        problem = "`train.precision` 16-mixed needs a GPU, and there is none"
        raise ConfigError([problem], where=recipe.name, fix="use bf16-mixed or 32-true")
    if recipe.train.precision == "bf16-mixed" and not _has_bfloat16():
        _LOG.warning(
            "`train.precision` is bf16-mixed, which this processor has no instructions for: a step takes about ten "
            "times as long as with train.precision=32-true"
        )


def _has_bfloat16() -> bool:
    """Whether convolutions on this processor compute with bfloat16; True where PyTorch does not say."""
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return True if supported is None else bool(supported())


_REPAIRS = frozenset({"denoising", "jpeg", "mixed", "deblurring"})
"""Tasks that one network often does together, so that the fact `task` says which of them it does best."""


def _akin(one: str, other: str) -> bool:
    """Whether a network for one task can teach one for the other: of other authors' networks it is not always known.

    The task of a module of one's own may be any word, which then says nothing.
    """
    return one == other or {one, other} <= _REPAIRS or not {one, other} <= set(get_args(Task))


def _range(values: tuple[float, float]) -> str:
    return f"{values[0]:g} to {values[1]:g}"


def _check_partner(
    name: str, partner: NetworkConfig, recipe: Recipe, where: object, *, cached: bool = False
) -> None:
    """It must take the student's input and give images of its size; `cached`: computed beforehand from the data."""
    ours, theirs = recipe.model.facts, partner.facts
    enlarges, whom = (ours.scale, "the data") if cached else (ours.net_scale, "the student")
    problems = []
    if partner.reads == "clean" and recipe.unlabelled:
        problems.append(f"{name} reads the clean image, and photographs that are given as they are have none")
    if theirs.net_scale != enlarges:
        problems.append(f"{name} enlarges its input by {theirs.net_scale}, {whom} by {enlarges}")
    if not _akin(theirs.task, ours.task):
        problems.append(f"{name} is for {theirs.task}, the student for {ours.task}")
    if theirs.value_range != ours.value_range:
        problems.append(
            f"{name} computes on the range {_range(theirs.value_range)}, the student on {_range(ours.value_range)}"
        )
    if theirs.colour != ours.colour:
        problems.append(f"{name} has {theirs.channels} channels, the student {ours.channels}")
    told = getattr(recipe.data.degradation, "noise_map", False) and partner.reads == "degraded"
    if told and theirs.sigma is None:
        problems.append(f"{name} takes no noise level, but `noise_map` appends one to what it is given")
    if problems:
        raise ConfigError(problems, where=where)
