"""Write a checkpoint folder, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save

from edgeir.checkpoint.state import STATE_NAME, VALUES_NAME, Tensors, values_hash
from edgeir.core.files import atomic_dir, sha256_file
from edgeir.manifest.card import CARD_NAME, WEIGHTS_NAME, Card
from edgeir.manifest.fitted import Fitted
from edgeir.models.base import Network, parameter_count

__all__ = ["save_checkpoint"]


def save_checkpoint(
    folder: Path,
    network: Network,
    weights: Tensors,
    *,
    name: str,
    metrics: dict[str, Any],
    provenance: dict[str, Any],
    state: tuple[Tensors, dict[str, Any]] | None = None,
    fitted: Fitted | None = None,
) -> Card:
    """Write a checkpoint folder, whole or not at all.

    Args:
        network: gives configuration and facts.
        weights: the state dict to save (the averaged one where there is one).
        state: what resuming needs: tensors and JSON values.
        fitted: how its size was chosen.
    """
    with atomic_dir(folder) as temporary:
        _write(temporary / WEIGHTS_NAME, weights)
        card = Card(
            name=name,
            model=network.config.model_dump(mode="json"),
            quantization=None if network.quantization is None else dict(network.quantization),
            fitted=fitted,
            facts=network.facts,
            parameters=parameter_count(network),
            weights_sha256=sha256_file(temporary / WEIGHTS_NAME),
            metrics=metrics,
            provenance=provenance,
        )
        (temporary / CARD_NAME).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        if state is not None:
            tensors, values = state
            _write(temporary / STATE_NAME, tensors)
            hashes = {name: sha256_file(temporary / name) for name in (STATE_NAME, CARD_NAME)}
            sealed = {**values, "sha256": {**hashes, "values": values_hash(values)}}
            (temporary / VALUES_NAME).write_text(json.dumps(sealed), encoding="utf-8")
    return card


def _write(path: Path, tensors: Tensors) -> None:
    # Written here and not by safetensors, whose error for a full disk does not say which one it is.
    path.write_bytes(save({key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}))
