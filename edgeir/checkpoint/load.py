"""From a checkpoint folder to the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from edgeir.checkpoint.resolve import resolve_checkpoint
from edgeir.checkpoint.state import Tensors, read_tensors
from edgeir.core.config import first_problem
from edgeir.core.errors import CheckpointError, ConfigError, UntrustedCodeError
from edgeir.core.files import sha256_file
from edgeir.manifest.card import CARD_NAME, WEIGHTS_NAME, Card, read_card
from edgeir.models import AnyModel
from edgeir.models.base import Network
from edgeir.models.config import NetworkConfig

__all__ = ["Tensors", "configuration", "load_checkpoint", "load_weights"]

_MODEL: TypeAdapter[Any] = TypeAdapter(AnyModel)


def load_checkpoint(name: str | Path, *, expect: object | None = None) -> tuple[Network, Card, Path]:
    """Load a network in its training form, on the CPU, in eval mode.

    Args:
        name: a checkpoint folder, a run folder or a zoo name.
        expect: a network configuration that the checkpoint's must equal.

    Raises:
        CheckpointError: missing, damaged, changed since it was written, or of another network.
        UntrustedCodeError: its network is code of another package, and the user has not allowed to run it.
    """
    folder = resolve_checkpoint(name)
    card = read_card(folder)
    weights = folder / WEIGHTS_NAME
    if not weights.is_file():
        raise CheckpointError(f"{WEIGHTS_NAME} is missing", where=folder)
    if sha256_file(weights) != card.weights_sha256:
        raise CheckpointError(
            "the weights do not match the card's sha256", where=weights, fix="get an intact copy"
        )
    config = configuration(card, folder)
    if expect is not None and config != expect:
        raise CheckpointError(
            f"the checkpoint is of another network: {config!r} instead of {expect!r}", where=folder
        )
    network = _quantised(_built(config, folder / CARD_NAME), card, folder / CARD_NAME)
    load_weights(network, read_tensors(weights), weights)
    network.eval()
    return network, card, folder


def _built(config: NetworkConfig, card: Path) -> Network:
    """The network of a card; only one of another package can fail here."""
    try:
        return config.build()
    except UntrustedCodeError as error:
        raise UntrustedCodeError(error.code, where=card) from error
    except ConfigError as error:
        raise CheckpointError(f"its network: {error.problems[0]}", where=card, fix=error.fix) from error


def _quantised(network: Network, card: Card, where: Path) -> Network:
    """The network as it was trained: in integers, where the card says so."""
    if card.quantization is None:
        return network
    from edgeir.quantize.network import FakeQuantized
    from edgeir.quantize.settings import Quantization

    try:
        settings = Quantization.model_validate(card.quantization)
    except ValidationError as error:
        raise CheckpointError(
            f"the card describes a quantisation that this version does not know: {first_problem(error)}",
            where=where,
        ) from error
    return FakeQuantized(network, settings)


def configuration(card: Card, folder: Path) -> NetworkConfig:
    """The configuration of the network that a card describes, one of `AnyModel`.

    Raises:
        CheckpointError: this version does not know it.
    """
    try:
        config: NetworkConfig = _MODEL.validate_python(card.model)
    except ValidationError as error:
        raise CheckpointError(
            f"the card describes a network that this version does not know: {card.model.get('kind')}",
            where=folder / CARD_NAME,
        ) from error
    return config


def load_weights(network: torch.nn.Module, tensors: Tensors, where: Path) -> None:
    """Copy `tensors` into `network`; names and shapes must agree exactly."""
    own = network.state_dict()
    wrong = [
        f"`{key}` is {tuple(tensors[key].shape)} instead of {tuple(own[key].shape)}"
        for key in own.keys() & tensors.keys()
        if own[key].shape != tensors[key].shape
    ]
    wrong += [f"`{key}` is missing" for key in own.keys() - tensors.keys()]
    wrong += [f"`{key}` is unknown" for key in tensors.keys() - own.keys()]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise CheckpointError(
            f"the weights are of another network: {'; '.join(sorted(wrong)[:3])}{more}", where=where
        )
    network.load_state_dict({key: value.to(own[key].dtype) for key, value in tensors.items()})
