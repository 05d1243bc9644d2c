"""What changes during training, and how a checkpoint keeps it: flat named tensors and JSON values.

| prefix | what |
|---|---|
| ``raw/``, ``average/`` | the network's weights, and their moving average |
| ``companion/`` | networks that are trained beside it |
| ``optim/`` | the optimiser's moments, ``<parameter index>/<name>`` |
| ``adversary/``, ``adversary-optim/`` | the discriminator, and its optimiser's moments |

Frozen networks, teachers and perceptual backbones, are not among them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from edgeir.checkpoint.load import load_state, load_weights
from edgeir.models.base import Network
from edgeir.training.adversary import DiscriminatorTrainer

__all__ = ["State", "pack", "unpack"]

Tensors = dict[str, torch.Tensor]


@dataclass
class State:
    """What changes during training."""

    network: Network
    optimizer: torch.optim.Optimizer
    average: Tensors
    """Exponential moving average of the weights; empty when off."""
    companions: torch.nn.ModuleDict = field(default_factory=torch.nn.ModuleDict)
    """Networks that the objective trains beside this one; kept only to resume."""
    discriminator: DiscriminatorTrainer | None = None
    """The adversary that takes turns with the network; kept only to resume."""
    step: int = 0
    best_psnr_db: float = -math.inf
    validation: dict[str, float] = field(default_factory=dict)

    def weights(self) -> Tensors:
        """The weights to use: the average where there is one."""
        return self.average or self.network.state_dict()


def pack(state: State) -> tuple[Tensors, dict[str, Any]]:
    """The tensors and JSON values of a checkpoint's state."""
    parts: dict[str, Tensors] = {
        "raw": state.network.state_dict(),
        "companion": state.companions.state_dict(),
        "average": state.average,
        "optim": _optimizer_tensors(state.optimizer),
    }
    if state.discriminator is not None:
        parts["adversary"] = state.discriminator.adversary.state_dict()
        parts["adversary-optim"] = _optimizer_tensors(state.discriminator.optimizer)
    tensors = {f"{part}/{key}": value for part, entries in parts.items() for key, value in entries.items()}
    values = {"step": state.step, "best_psnr_db": state.best_psnr_db, "validation": state.validation}
    return tensors, values


def unpack(state: State, folder: Path) -> None:
    """Inverse of `pack`, from a checkpoint folder; in place.

    Raises:
        CheckpointError: there is no state, or it is of another network.
    """
    tensors, values = load_state(folder)
    parts: dict[str, Tensors] = {}
    for key, value in tensors.items():
        part, _, name = key.partition("/")
        parts.setdefault(part, {})[name] = value
    load_weights(state.network, parts.get("raw", {}), folder)
    load_weights(state.companions, parts.get("companion", {}), folder)
    state.average = parts.get("average", state.average)
    _restore_optimizer(state.optimizer, parts.get("optim", {}))
    if state.discriminator is not None:
        load_weights(state.discriminator.adversary, parts.get("adversary", {}), folder)
        _restore_optimizer(state.discriminator.optimizer, parts.get("adversary-optim", {}))
    state.step, state.best_psnr_db = int(values["step"]), float(values["best_psnr_db"])
    state.validation = values["validation"]


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's state as flat named tensors: ``<parameter index>/<name>``."""
    states = optimizer.state_dict()["state"]
    return {
        f"{index}/{name}": torch.as_tensor(value)
        for index, state in states.items()
        for name, value in state.items()
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Inverse of `_optimizer_tensors`.

    Moments are laid out in memory as their parameters are: an optimiser that works on all of them in one kernel takes
    it that they are, and would pair other elements.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    states: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        index, _, name = key.partition("/")
        parameter = parameters[int(index)]
        if value.shape == parameter.shape:
            value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        states.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
