"""The ways to make a file: every profile of a format, a checkpoint that was trained in integers, and mixed plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeir.core.assets import find_zoo, list_assets, list_zoo
from edgeir.core.errors import ConfigError
from edgeir.exporting.given import loaded
from edgeir.exporting.profile import ExportProfile, changed, read_profile
from edgeir.exporting.sensitivity import cheapest_first
from edgeir.exporting.trained import same_reference
from edgeir.manifest.card import Card, read_card
from edgeir.quantize.plan import PLANS, LayerFormat, QuantizationPlan

__all__ = ["Candidate", "mixed_candidates", "plain_candidates", "trained_candidates", "with_plan"]

MIXED = (1, 2, 4)
"""Numbers of layers that mixed plans keep in float."""


@dataclass(frozen=True)
class Candidate:
    """A way to make the file.

    Attributes:
        name: for a person.
        profile_name: of the export profile that `profile` began as.
        network, card: what is exported.
    """

    name: str
    profile: ExportProfile
    profile_name: str
    network: Any
    card: Card


def plain_candidates(target: str, network: Any, card: Card, overrides: Sequence[str]) -> list[Candidate]:
    """One for each profile of the format; a network in integers has its own plan alone."""
    found = []
    for name in list_assets("profiles"):
        profile = read_profile(name)
        fits = network.quantization is None or profile.target.precision == network.settings.plan
        if profile.target.kind == target and fits:
            found.append(Candidate(name, changed(profile, overrides), name, network, card))
    return found


def trained_candidates(
    target: str, network: Any, checkpoint: str | Path | None, overrides: Sequence[str]
) -> list[Candidate]:
    """Those of a checkpoint of quantisation-aware training, if there is one.

    Args:
        checkpoint: None: one that comes with edgeir and began as this network.

    Raises:
        ConfigError: it was not trained in integers, or began as another network.
    """
    if checkpoint is None:
        found = _shipped(network)
        if found is None:
            return []
        trained, card = found
    else:
        trained, card = loaded(checkpoint)
        same_reference(trained, network, card.name)
    return [
        Candidate(f"{one.name}, trained", one.profile, one.profile_name, trained, card)
        for one in plain_candidates(target, trained, card, overrides)
    ]


def _shipped(network: Any) -> tuple[Any, Card] | None:
    """The network of the zoo that was trained in integers and began as this one, and its card."""
    for name in list_zoo():
        card = read_card(find_zoo(name))
        if card.quantization is None or card.model["kind"] != network.config.kind:
            continue
        # Compared as configurations: a card does not have the settings that are younger than it.
        if type(network.config).model_validate(card.model) != network.config:
            continue
        trained, card = loaded(name)
        try:
            same_reference(trained, network, name)
        except ConfigError:  # the same architecture with other weights
            continue
        return trained, card
    return None


def mixed_candidates(plain: Candidate, calibration: Any = None) -> list[Candidate]:
    """int8 plans that keep the layers in float that win most for the time they take, few first."""
    try:
        layers = cheapest_first(plain.network, plain.card, calibration)
    except ConfigError:  # the network cannot be recorded: there are no figures for its layers
        return []
    found = []
    for count in MIXED:
        if count < len(layers):
            kept = dict.fromkeys(layers[:count], LayerFormat())
            plan = QuantizationPlan(default=PLANS["int8"].default, layers=kept)
            name = f"{plain.profile_name}, {count} layer{'s' if count > 1 else ''} in float"
            found.append(with_plan(plain, plan, name))
    return found


def with_plan(candidate: Candidate, plan: QuantizationPlan, name: str) -> Candidate:
    """The same network and profile with another plan."""
    values = candidate.profile.model_dump()
    values["target"]["precision"] = plan.model_dump()
    profile = ExportProfile.model_validate(values)
    return replace(candidate, name=name, profile=profile)
