"""Weights of a frozen network from a local file: safetensors, or a torchvision state dict (``.pth``).

A ``.pth`` is a pickle; torch reads it with ``weights_only``, which refuses anything but tensors.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from edgeir.core.errors import CheckpointError
from edgeir.core.files import sha256_file

__all__ = ["load_frozen"]


def load_frozen(network: nn.Module, path: str | Path) -> str:
    """Load `network`'s weights, set it to eval mode and freeze it; entries it does not have are ignored.

    Args:
        path: of the file, ``~`` for the user's folder.

    Returns:
        The file's sha256, for logs and cards.

    Raises:
        CheckpointError: no such file, not a state dict, a weight is missing or of another shape.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise CheckpointError("there is no such file of weights", where=path)
    tensors = _read(path)
    wanted = network.state_dict()
    missing = [name for name in wanted if name not in tensors]
    if missing:
        raise CheckpointError(
            f"`{missing[0]}` is missing ({len(missing)} of {len(wanted)} weights are), so these are not its weights",
            where=path,
        )
    for name, value in wanted.items():
        if tensors[name].shape != value.shape:
            raise CheckpointError(
                f"`{name}` has shape {tuple(tensors[name].shape)} instead of {tuple(value.shape)}", where=path
            )
    network.load_state_dict({name: tensors[name] for name in wanted})
    network.eval().requires_grad_(False)
    return sha256_file(path)


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # for a corrupt file torch's reader can raise anything, such as KeyError
        # Its own message advises reading the file as an unrestricted pickle, which may run code.
        raise CheckpointError(
            "cannot be read as weights: the file is damaged, or holds more than tensors",
            where=path,
            fix="get an intact copy, of a state dict (name to tensor)",
        ) from error
    if not isinstance(tensors, dict) or not all(
        isinstance(value, torch.Tensor) for value in tensors.values()
    ):
        raise CheckpointError("is not a state dict (name to tensor)", where=path)
    return tensors
