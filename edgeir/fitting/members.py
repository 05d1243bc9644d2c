"""The members of a family that a recipe can train, and their files with random weights."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeir.benchmarking.timing.untrained import save_network
from edgeir.core.errors import ConfigError
from edgeir.exporting.given import loaded
from edgeir.exporting.profile import ExportProfile, changed, read_profile
from edgeir.exporting.run import export_network
from edgeir.fitting.choose import Line
from edgeir.models import AnyModel
from edgeir.models.config import NetworkConfig
from edgeir.models.family import Family
from edgeir.training.recipe import Recipe

__all__ = ["export_member", "family_of", "lines_of"]

UNPROVED = "random weights: the file is measured, not used"


def family_of(recipe: Recipe) -> Family:
    """The family of the recipe's network.

    Raises:
        ConfigError: it has none, or the recipe starts from weights of one size.
    """
    family = recipe.model.family()
    if family is None:
        known = ", ".join(sorted(_kinds()))
        raise ConfigError(
            [f"the network `{recipe.model.kind}` states no family of sizes to choose from"],
            where=recipe.name,
            fix=f"networks with one: {known}; docs/add-a-network.md says how to state one",
        )
    if recipe.fine_tune_from is not None:
        raise ConfigError(
            [f"`fine_tune_from` is {recipe.fine_tune_from}, weights of one size"],
            where=recipe.name,
            fix="choose with a recipe that starts from nothing, or with fine_tune_from=null",
        )
    return family


def _kinds() -> list[str]:
    """Networks that state a family."""
    known = NetworkConfig.__subclasses__()
    return [each.model_fields["kind"].default for each in known if each.family is not NetworkConfig.family]


def lines_of(
    recipe: Recipe, family: Family, size: tuple[int, int], target: str, precisions: Sequence[str]
) -> list[Line]:
    """Every shape in every precision, with the depths that have the features which the recipe reads.

    Raises:
        ConfigError: a precision has no profile or is named twice, or no member has the features.
    """
    if not precisions or len(set(precisions)) != len(precisions):
        raise ConfigError(
            [f"the precisions are {', '.join(precisions) or 'none'}: name each once"], where="--precision"
        )
    for precision in precisions:
        read_profile(f"{target}-{precision}")
    distillation = recipe.objective.distillation
    methods = () if distillation is None else distillation.methods
    taps = {name for method in methods for name in method.reads_student}
    lines = []
    for shape in family.shapes:
        least = _least_with(recipe.model, family, shape, taps)
        if least is None:
            continue
        macs = _counter(recipe.model, family, shape, size)
        near = getattr(recipe.model, family.depth)
        lines += [Line(shape, precision, least, family.most, macs, near) for precision in precisions]
    if not lines:
        raise ConfigError(
            [f"no member of the family has the features {', '.join(sorted(taps))}"], where=recipe.name
        )
    return lines


def _least_with(model: AnyModel, family: Family, shape: Any, taps: set[str]) -> int | None:
    """The smallest depth that has all the taps."""
    depths = range(family.least, family.most + 1)
    return next(
        (at for at in depths if not taps or taps <= set(family.member(model, shape, at).tap_names())), None
    )


def _counter(model: AnyModel, family: Family, shape: Any, size: tuple[int, int]) -> Any:
    @functools.cache
    def macs(depth: int) -> tuple[int, int]:
        member = family.deployed(family.member(model, shape, depth))
        whole = member.build().macs(*size)
        return whole - family.without_layers(member).build().macs(*size), whole

    return macs


def export_member(
    config: AnyModel, name: str, target: str, precision: str, size: tuple[int, int], folder: Path
) -> Path:
    """A member's file with random weights, not proved: what it costs does not depend on them. Returns its folder.

    Raises:
        ExportError: it cannot be written in this format.
        MissingExtraError: what writes the format is not installed.
    """
    network, card = loaded(save_network(config, name, folder / "checkpoint"))
    export_network(
        network,
        card,
        _quick(read_profile(f"{target}-{precision}")),
        out=folder / "file",
        name=f"{target}-{precision}",
        sizes=[size],
        golden=False,
        worst_image=False,
        unproved=UNPROVED,
    )
    return folder / "file"


def _quick(profile: ExportProfile) -> ExportProfile:
    """The same graph with less care for its numbers, which are random."""
    words = ["calibration.patches=4"]
    if getattr(profile.target, "flat_rounding", False):
        words.append("target.flat_rounding=false")
    return changed(profile, words)
