"""Reading intermediate features by name, and the two sides that a distillation method compares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from edgeir.core.errors import ConfigError
from edgeir.models.base import Network

__all__ = ["Side", "TapRecorder"]


@dataclass
class Side:
    """What one network produced for a batch: its output image and the features of the taps asked for."""

    output: torch.Tensor
    features: dict[str, torch.Tensor] = field(default_factory=dict)


class TapRecorder:
    """Records the output of named taps during the forward passes of `network`.

    Raises:
        ConfigError: a tap does not exist; the message lists the taps there are.
    """

    def __init__(
        self, network: Network, names: Sequence[str], *, role: str, where: str = "objective.distillation"
    ) -> None:
        available = network.taps()
        missing = [name for name in names if name not in available]
        if missing:
            raise ConfigError(
                [f"the {role} has no tap `{name}`; its taps are {', '.join(available)}" for name in missing],
                where=where,
            )
        self._features: dict[str, torch.Tensor] = {}
        for name in dict.fromkeys(names):
            available[name].register_forward_hook(self._hook(name))

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[object, ...], torch.Tensor], None]:
        def record(module: nn.Module, inputs: tuple[object, ...], output: torch.Tensor) -> None:
            self._features[name] = output

        return record

    def take(self, output: torch.Tensor) -> Side:
        """The features of the last forward pass, which returned `output`."""
        features, self._features = self._features, {}
        return Side(output, features)
