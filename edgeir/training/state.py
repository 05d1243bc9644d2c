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

from edgeir.checkpoint.load import load_weights
from edgeir.checkpoint.state import Tensors, damaged_state, load_state
from edgeir.models.base import Network
from edgeir.training.adversary import DiscriminatorTrainer

__all__ = ["State", "pack", "unpack"]

_MOMENTS = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer")
"""What optimisers keep of every parameter, in its shape; beside them ``step``, a number."""


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
        CheckpointError: there is no state, it is damaged, or of another network.
    """
    tensors, values = load_state(folder)
    for key, value in tensors.items():
        if not torch.isfinite(value).all():
            raise damaged_state(folder, f"`{key}` is not finite")
    checked_values(values, folder)
    parts: dict[str, Tensors] = {}
    for key, value in tensors.items():
        part, _, name = key.partition("/")
        parts.setdefault(part, {})[name] = value
    load_weights(state.network, parts.pop("raw", {}), folder)
    load_weights(state.companions, parts.pop("companion", {}), folder)
    _restore_average(state.average, parts.pop("average", {}), folder)
    _restore_optimizer(state.optimizer, parts.pop("optim", {}), folder)
    if state.discriminator is not None:
        load_weights(state.discriminator.adversary, parts.pop("adversary", {}), folder)
        _restore_optimizer(state.discriminator.optimizer, parts.pop("adversary-optim", {}), folder)
    if parts:
        raise damaged_state(folder, f"it holds `{next(iter(parts))}`, which this run has not")
    state.step, state.best_psnr_db = int(values["step"]), float(values["best_psnr_db"])
    state.validation = values["validation"]


def checked_values(values: dict[str, Any], folder: Path) -> None:
    """Raise `CheckpointError` unless `values` are those of `pack`: whole steps from 0, no NaN, nothing else."""
    step, best, validation = (values.get(key) for key in ("step", "best_psnr_db", "validation"))
    if values.keys() != {"step", "best_psnr_db", "validation"}:
        raise damaged_state(folder, f"its values are {', '.join(sorted(values))}")
    if not _whole(step):
        raise damaged_state(folder, f"`step` is {step!r}")
    if not _number(best):
        raise damaged_state(folder, f"`best_psnr_db` is {best!r}")
    sound = isinstance(validation, dict) and (
        not validation
        or (
            validation.keys() == {"psnr_db", "step"}
            and _number(validation["psnr_db"])
            and _whole(validation["step"])
            and validation["step"] <= step
        )
    )
    if not sound:
        raise damaged_state(folder, f"`validation` is {validation!r}")


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 53


def _number(value: Any) -> bool:
    return type(value) in (int, float) and not math.isnan(value)


def _restore_average(average: Tensors, tensors: Tensors, folder: Path) -> None:
    if average.keys() != tensors.keys() or any(
        value.shape != tensors[key].shape for key, value in average.items()
    ):
        raise damaged_state(folder, "the averaged weights are of another network")
    for key, value in average.items():  # in place: laid out in memory as the weights are
        value.copy_(tensors[key])


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's state as flat named tensors: ``<parameter index>/<name>``."""
    states = optimizer.state_dict()["state"]
    return {
        f"{index}/{name}": torch.as_tensor(value)
        for index, state in states.items()
        for name, value in state.items()
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Tensors, folder: Path) -> None:
    """Inverse of `_optimizer_tensors`.

    Moments are laid out in memory as their parameters are: an optimiser that works on all of them in one kernel takes
    it that they are, and would pair other elements.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    states: dict[int, Tensors] = {}
    for key, value in tensors.items():
        place, _, name = key.partition("/")
        if not place.isdecimal() or int(place) >= len(parameters):
            raise damaged_state(folder, f"the optimiser has no parameter `{place}`")
        parameter = parameters[int(place)]
        if value.shape != (parameter.shape if name in _MOMENTS else ()) or not value.is_floating_point():
            raise damaged_state(folder, f"the optimiser's `{key}` is {value.dtype}, {tuple(value.shape)}")
        if name in _MOMENTS:
            value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        states.setdefault(int(place), {})[name] = value
    if len({frozenset(values) for values in states.values()}) > 1:
        raise damaged_state(folder, "the optimiser keeps other things of some parameters than of others")
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
