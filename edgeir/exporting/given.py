"""What a user names for an export: the network, and the format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgeir.core.errors import ConfigError
from edgeir.manifest.card import Card
from edgeir.runtime import catalog

__all__ = ["check_target", "loaded"]


def check_target(target: str) -> None:
    """Raise `ConfigError` for a format that the catalog does not have."""
    if target not in catalog.target_names():
        raise ConfigError(
            [f"there is no target `{target}`"], fix=f"targets: {', '.join(catalog.target_names())}"
        )


def loaded(
    checkpoint: str | Path, weights: str | Path | None = None, stated: Any = None, sigma: float | None = None
) -> tuple[Any, Card]:
    """The network to export, and its card; arguments and errors as for `edgeir.exporting.run.export`."""
    from edgeir.checkpoint.foreign.adopt import Stated, stand_in
    from edgeir.checkpoint.load import load_checkpoint
    from edgeir.models.base import refuse_clean_reader

    network, card, _ = load_checkpoint(stand_in(checkpoint, weights, stated or Stated()))
    refuse_clean_reader(network, card.name)
    return (network if sigma is None else network.at_sigma(sigma)), card
