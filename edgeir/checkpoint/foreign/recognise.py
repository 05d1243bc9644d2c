"""Which architecture a state dict belongs to, as spandrel sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from edgeir.core.errors import CheckpointError
from edgeir.core.requires import require
from edgeir.models.probe import probe
from edgeir.models.spandrel import REFUSED, SpandrelConfig, SpandrelNetwork, constructor_arguments

__all__ = ["recognised"]

_PURPOSE = "reading weights of another program"
_LISTED = "https://github.com/chaiNNer-org/spandrel#model-architecture-support"


def recognised(
    weights: dict[str, Any],
    path: Path,
    *,
    size_multiple: int | None = None,
    receptive_radius: int | None = None,
) -> SpandrelNetwork:
    """The network with its weights, its facts found by probing where they are not given.

    Raises:
        CheckpointError: spandrel does not know the weights, or the network is no function from image to image.
        MissingExtraError: spandrel is not installed.
    """
    spandrel: Any = require("spandrel", _PURPOSE)
    state = {name: _single(value) for name, value in spandrel.canonicalize_state_dict(weights).items()}
    if not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointError("holds no named tensors alone, so these are no weights", where=path)
    try:
        described = spandrel.ModelLoader().load_from_state_dict(state)
    except spandrel.UnsupportedModelError as error:
        raise CheckpointError(
            "no network that is known has such weights",
            where=path,
            fix=f"see {_LISTED}, or give its code: edgeir export package.module:factory --weights {path.name}",
        ) from error
    except Exception as error:  # an architecture that was recognised by mistake can raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0][:150]
        raise CheckpointError(
            f"the weights are damaged, or of another network: {reason}", where=path
        ) from error
    return _network(described, path, size_multiple, receptive_radius)


def _network(
    described: Any, path: Path, size_multiple: int | None, receptive_radius: int | None
) -> SpandrelNetwork:
    architecture = described.architecture.id
    if (cause := REFUSED.get(architecture)) is not None:
        raise CheckpointError(
            f"is a {described.architecture.name} network, which cannot be used: {cause}",
            where=path,
            fix="choose another network",
        )
    channels, out = described.input_channels, described.output_channels
    if channels != out or channels not in (1, 3):
        raise CheckpointError(
            f"the {architecture} network takes {channels} channels and gives {out}", where=path,
            fix="choose a network from RGB to RGB, or from gray to gray",
        )  # fmt: skip
    config = SpandrelConfig(
        architecture=architecture,
        network=type(described.model).__name__,
        arguments=constructor_arguments(described.model),
        task="super-resolution" if described.purpose in ("SR", "FaceSR") else "restoration",
        scale=described.scale,
        colour="y" if channels == 1 else "rgb",
        receptive_radius=0,
    )
    wrapped = SpandrelNetwork(config, described.model).eval()
    found = probe(
        wrapped.deploy(),
        channels=channels,
        size_multiple=size_multiple
        or (described.size_requirements.multiple_of if _strict(described) else None),
        receptive_radius=receptive_radius,
        where=str(path),
    )
    if found.net_scale != described.scale:
        raise CheckpointError(
            f"the {architecture} network enlarges {found.net_scale} times, not {described.scale} times",
            where=path,
        )
    facts = {
        "size_multiple": found.size_multiple,
        "tile_multiple": found.tile_multiple,
        "receptive_radius": found.receptive_radius,
        "global_operations": found.global_operations,
    }
    wrapped.config = config.model_copy(update=facts)
    return wrapped


def _strict(described: Any) -> bool:
    """Whether spandrel states a size multiple; without one it is probed, as windows may need one."""
    return bool(described.size_requirements.multiple_of > 1)


def _single(value: Any) -> Any:
    """Half weights in single precision, which is what a CPU computes with and what exports start from."""
    half = isinstance(value, torch.Tensor) and value.dtype in (torch.float16, torch.bfloat16, torch.float64)
    return value.float() if half else value
