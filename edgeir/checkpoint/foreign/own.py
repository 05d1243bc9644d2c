"""Published weights in edgeir's own networks, by the maps of names (`edgeir.checkpoint.foreign.maps`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter

from edgeir.checkpoint.foreign.maps import MAPS, WeightMap
from edgeir.checkpoint.foreign.read import unwrapped
from edgeir.checkpoint.load import load_weights
from edgeir.checkpoint.state import Tensors
from edgeir.core.config import apply_overrides, first_problem
from edgeir.core.errors import CheckpointError, ConfigError
from edgeir.models import AnyModel
from edgeir.models.base import Network

__all__ = ["own_kind", "own_network"]


def own_kind(weights: Mapping[str, Any]) -> str | None:
    """The `kind` of edgeir's network whose published weights these can only be; None: their names do not say it."""
    names = unwrapped(weights)
    for kind, entry in MAPS.items():
        if entry.marks and all(name in names for name in entry.marks):
            return kind
    return None


def own_network(
    weights: Mapping[str, Any], path: Path, model: str, settings: Sequence[str] = ()
) -> tuple[Network, str]:
    """The network of this kind with these weights, and whose names they have.

    Args:
        weights: what `path` holds, which errors name.
        settings: ``key=value`` settings that the weights do not show.

    Raises:
        CheckpointError: these are other weights; every missing, further or reshaped one is listed.
        ConfigError: there is no such network, or a setting is wrong.
    """
    if (entry := MAPS.get(model)) is None:
        raise ConfigError(
            [f"no published weights of `{model}` are known"], fix=f"--model {', '.join(MAPS)}, or none"
        )
    tensors = unwrapped(weights)
    try:
        values = apply_overrides({"kind": model, **entry.settings(tensors)}, settings)
        config = _configuration(model, values, path)
        names = entry.names(config, tensors)
    except (KeyError, AttributeError, IndexError) as error:
        raise CheckpointError(
            f"has no `{error.args[0] if error.args else error}`, so these are no weights of `{model}` as "
            f"{entry.source} publishes them",
            where=path,
            fix="leave --model out, if spandrel knows the network",
        ) from error
    except ValueError as error:
        raise CheckpointError(
            f"these weights are no `{model}` of {entry.source}: {error}", where=path
        ) from error
    network: Network = config.build().eval()
    taken = _taken(network, tensors, names, entry, path)
    load_weights(network, {**network.state_dict(), **entry.fixed(config), **taken}, path)
    return network, entry.source


def _configuration(model: str, values: dict[str, Any], path: Path) -> Any:
    adapter: TypeAdapter[Any] = TypeAdapter(AnyModel)
    try:
        return adapter.validate_python(values)
    except ValueError as error:
        raise ConfigError([first_problem(error)], where=f"`{model}` of {path.name}") from error


def _taken(
    network: Network, tensors: Tensors, names: Mapping[str, str], entry: WeightMap, path: Path
) -> Tensors:
    """The weights under edgeir's names; refuses what is missing, what has no place and what has another shape."""
    missing = [their for their in names.values() if not hasattr(tensors.get(their), "shape")]
    unused = sorted(set(tensors) - set(names.values()))
    taken = {
        own: _laid_out(tensors[their], entry.hwio) for own, their in names.items() if their not in missing
    }
    expected = network.state_dict()
    reshaped = [
        f"`{names[own]}` is {_shape(value)}, not {_shape(expected[own])}"
        for own, value in taken.items()
        if value.shape != expected[own].shape
    ]
    problems = [f"has no {_listed(missing)}"] if missing else []
    if unused:
        problems.append(
            f"{_listed(unused)} {'has' if len(unused) == 1 else 'have'} no place in `{entry.kind}`"
        )
    problems += reshaped
    if problems:
        raise CheckpointError(
            f"{'; '.join(problems)}: these are no weights of `{entry.kind}` as {entry.source} publishes them",
            where=path,
        )
    return taken


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))


def _shape(value: torch.Tensor) -> str:
    return "x".join(str(side) for side in value.shape) or "a single number"


def _laid_out(value: torch.Tensor, hwio: bool) -> torch.Tensor:
    value = value.float()
    if hwio and value.ndim == 4:
        return value.permute(3, 2, 0, 1)
    return value.reshape(-1) if value.ndim == 0 else value
