"""Reading intermediate features by name, and the network outputs that a distillation method compares."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from edgeir.core.errors import ConfigError
from edgeir.models.base import Network

__all__ = ["NetworkOutput", "TapRecorder", "at_least_float32", "check_taps", "paired_features"]

_HALF = (torch.float16, torch.bfloat16)


@dataclass
class NetworkOutput:
    """The result of one network for a batch: its output image and the features of the requested taps."""

    output: torch.Tensor
    features: dict[str, torch.Tensor] = field(default_factory=dict)


class TapRecorder:
    """Records the output of named taps during the forward passes of `network`.

    Raises:
        ConfigError: a tap does not exist; the message lists those that do.
    """

    def __init__(
        self, network: Network, names: Sequence[str], *, role: str, where: str = "objective.distillation"
    ) -> None:
        available = network.taps()
        check_taps(names, available, role=role, where=where)
        self._features: dict[str, torch.Tensor] = {}
        for name in dict.fromkeys(names):
            available[name].register_forward_hook(self._hook(name))

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[object, ...], torch.Tensor], None]:
        def record(module: nn.Module, inputs: tuple[object, ...], output: torch.Tensor) -> None:
            self._features[name] = output

        return record

    def take(self, output: torch.Tensor) -> NetworkOutput:
        """The features of the last forward pass, which returned `output`."""
        features, self._features = self._features, {}
        return NetworkOutput(output, features)


def check_taps(
    names: Sequence[str], available: Collection[str], *, role: str, where: str = "objective.distillation"
) -> None:
    """Raise `ConfigError` for every name that is not available; `role` names the network in the error."""
    known = ", ".join(available) or "none"
    problems = [
        f"the {role} has no tap `{name}`; its taps are {known}" for name in names if name not in available
    ]
    if problems:
        raise ConfigError(problems, where=where)


def paired_features(
    student: NetworkOutput,
    name: str,
    other: NetworkOutput,
    paired: str,
    *,
    role: str,
    any_width: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The features of the student's tap `name` and of the other network's tap `paired`, in float32 or wider.

    Args:
        role: name of the other network in the error.
        any_width: the numbers of channels may differ, height and width may not.

    Raises:
        ConfigError: they differ in size; lists the sizes (channels x height x width) of all taps that were read.
    """
    ours, theirs = student.features[name], other.features[paired]
    first = 2 if any_width else 1
    if ours.shape[first:] != theirs.shape[first:]:
        listed = [f"student {key} {_size(value)}" for key, value in student.features.items()]
        listed += [f"{role} {key} {_size(value)}" for key, value in other.features.items()]
        problem = (
            f"the tap `{name}` and the {role}'s `{paired}` differ in size; the taps are {', '.join(listed)}"
        )
        raise ConfigError([problem], where="objective.distillation")
    return at_least_float32(ours), at_least_float32(theirs)


def at_least_float32(features: torch.Tensor) -> torch.Tensor:
    """Features of half precision in float32, in which sums over a map keep their digits; others as they are."""
    return features.float() if features.dtype in _HALF else features


def _size(features: torch.Tensor) -> str:
    return "x".join(str(side) for side in features.shape[1:])
