"""``card.json``: everything about a checkpoint (or a zoo entry) that is not its weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from edgeir.core.config import Config, first_problem
from edgeir.core.errors import CheckpointError
from edgeir.manifest.facts import NetworkFacts
from edgeir.manifest.fitted import Fitted

__all__ = ["CARD_NAME", "WEIGHTS_NAME", "Card", "read_card"]

CARD_NAME = "card.json"
WEIGHTS_NAME = "weights.safetensors"


class Card(Config):
    """`card.json`: everything about a checkpoint that is not its weights."""

    format: Literal["edgeir-checkpoint-1"] = "edgeir-checkpoint-1"
    name: str
    model: dict[str, Any]
    """The network's configuration (a member of `edgeir.models.AnyModel`)."""
    quantization: dict[str, Any] | None = None
    """Of a network that was trained for its integer file: `edgeir.quantize.network.Quantization`. None: a float
    network."""
    fitted: Fitted | None = None
    """How its size was chosen by `edgeir fit`; None: by hand."""
    facts: NetworkFacts
    parameters: int
    weights_sha256: str
    metrics: dict[str, Any] = {}
    provenance: dict[str, Any] = {}
    """Data, recipe, seed, steps, versions, revision; for a zoo entry also its licence and citations."""


def read_card(folder: str | Path) -> Card:
    """Read and validate ``card.json`` of a checkpoint folder.

    Raises:
        CheckpointError: it is missing, is not JSON or does not fit the schema.
    """
    path = Path(folder) / CARD_NAME
    if not path.is_file():
        raise CheckpointError(f"no {CARD_NAME} here, so this is no checkpoint", where=folder)
    try:
        return Card.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"the card is damaged: {first_problem(error)}", where=path) from error
