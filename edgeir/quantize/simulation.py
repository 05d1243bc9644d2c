"""A recorded network computed as its int8 file computes it: rounded with gradients, in integers exactly, or in part."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from edgeir.quantize.fake import (
    WeightFormat,
    Weights,
    exact_convolution,
    fake_weights,
    integer_weights,
    rounded,
)
from edgeir.quantize.points import ACTIVATIONS, WEIGHTED, Points, find_points
from edgeir.quantize.recording import Recording, operator_name
from edgeir.quantize.settings import Quantization

__all__ = ["Layer", "Places", "Simulation"]

Node = torch.fx.Node
Arguments = tuple[Any, ...]
_SIDE = 8


class Places(Protocol):
    """What knows the ranges."""

    def place(self, group: int) -> tuple[float, int]:
        """Scale and zero point of a range, by number."""
        ...


@dataclass(frozen=True)
class Layer:
    """A convolution of rounded values by weights.

    Attributes:
        name: in the deployed network.
        floats: its weights, as the network has them.
        integers: what they are rounded to.
        given: scale and zero point of its input.
        group: number of the range of its result.
        macs_per_pixel: multiply-accumulates for one pixel of the network's input.
    """

    name: str
    floats: torch.Tensor
    integers: Weights
    given: tuple[float, int]
    group: int
    macs_per_pixel: float


class Simulation:
    """Computes a recording in integers."""

    def __init__(self, recording: Recording, settings: Quantization) -> None:
        self.recording = recording
        self.points: Points = find_points(recording)
        self._settings = settings
        self._layers = {node.name: self._name(node) for node in recording.calls if self._is_layer(node)}

    def __deepcopy__(self, memo: dict[int, Any]) -> Simulation:
        return self  # nothing in it changes

    def run(self, module: nn.Module, image: torch.Tensor, places: Places, *, exactly: bool) -> torch.Tensor:
        """The restored image, on the grid of 8 bits: with integers, or with rounded floats through which gradients
        pass."""

        def compute(node: Node, args: Arguments, kwargs: dict[str, Any]) -> Any:
            if exactly and node.name in self._layers:
                return self._exact(node, args, kwargs, places)
            if node.name in self._layers:
                args = self._with_fake_weights(node, args, places)
            return self._rounded(node, node.target(*args, **kwargs), places)  # type: ignore[operator]

        return self.recording.run(module, self._entry(image, places), compute)

    def values(self, module: nn.Module, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The float value of every node with a range."""
        found = {self.recording.image: image}

        def compute(node: Node, args: Arguments, kwargs: dict[str, Any]) -> Any:
            value = node.target(*args, **kwargs)  # type: ignore[operator]
            if node.name in self.points.group and isinstance(value, torch.Tensor):
                found[node.name] = value
            return value

        with torch.no_grad():
            self.recording.run(module, image, compute)
        return found

    def partly(
        self,
        module: nn.Module,
        image: torch.Tensor,
        places: Places,
        weights: Collection[str],
        results: Collection[str] | None,
    ) -> torch.Tensor:
        """See `edgeir.quantize.network.FakeQuantized.run_partly`."""
        alone = None if results is None else {self._place_of(name) for name in results}

        def compute(node: Node, args: Arguments, kwargs: dict[str, Any]) -> Any:
            if self._layers.get(node.name) in weights:
                args = self._with_fake_weights(node, args, places)
            value = node.target(*args, **kwargs)  # type: ignore[operator]
            return self._rounded(node, value, places) if alone is None or node.name in alone else value

        entry = self._entry(image, places) if alone is None else image
        return self.recording.run(module, entry, compute)

    def layers(self, module: nn.Module, places: Places) -> list[Layer]:
        """Every convolution, in order."""
        found = []
        side = _SIDE * self.recording.unit

        def compute(node: Node, args: Arguments, kwargs: dict[str, Any]) -> Any:
            value = node.target(*args, **kwargs)  # type: ignore[operator]
            if node.name in self._layers:
                given = places.place(self.points.group[node.all_input_nodes[0].name])
                integers = integer_weights(args[1], _bias(args), given[0], self._format(node))
                group = self.points.place(node)
                assert group is not None
                products = args[1][0].numel() * value.numel()
                if integers.axis:  # transposed: every input pixel meets all weights of its channel
                    products = args[1][0].numel() * args[0].numel()
                macs = products / side**2
                found.append(Layer(self._layers[node.name], args[1].detach(), integers, given, group, macs))
            return value

        with torch.no_grad():
            self.recording.run(module, torch.zeros(1, self.recording.channels, side, side), compute)
        return found

    def _exact(self, node: Node, args: Arguments, kwargs: dict[str, Any], places: Places) -> torch.Tensor:
        group = self.points.place(node)
        assert group is not None
        given = places.place(self.points.group[node.all_input_nodes[0].name])

        def convolve(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = node.target(values, weights, None, *args[3:], **kwargs)  # type: ignore[operator]
            return result

        weights = integer_weights(args[1], _bias(args), given[0], self._format(node))
        return exact_convolution(convolve, args[0], weights, given, places.place(group), self._bounds(node))

    def _with_fake_weights(self, node: Node, args: Arguments, places: Places) -> Arguments:
        scale = places.place(self.points.group[node.all_input_nodes[0].name])[0]
        weights, bias = fake_weights(args[1], _bias(args), scale, self._format(node))
        return (args[0], weights, bias, *args[3:])

    def _rounded(self, node: Node, value: Any, places: Places) -> Any:
        if node.name not in self.points.rounds:
            return value
        return rounded(value, *places.place(self.points.group[node.name]))

    def _entry(self, image: torch.Tensor, places: Places) -> torch.Tensor:
        return rounded(image, *places.place(self.points.group[self.recording.image]))

    def _is_layer(self, node: Node) -> bool:
        """A convolution of rounded values by weights, which may be computed from others but not from the image."""
        if operator_name(node) not in WEIGHTED or self.points.place(node) is None:
            return False
        values, weights = node.args[0], node.args[1]
        assert isinstance(values, Node)
        assert isinstance(weights, Node)
        return values.name in self.points.group and weights.name not in self.points.group

    def _name(self, node: Node) -> str:
        weights = node.args[1]
        assert isinstance(weights, Node)
        return self.recording.weights.get(weights.name, node.name).removesuffix(".weight")

    def _place_of(self, layer: str) -> str:
        """The node behind which a layer's result is rounded."""
        node = next(node for node, name in self._layers.items() if name == layer)
        return self.points.fused.get(node, node)

    def _format(self, node: Node) -> WeightFormat:
        return WeightFormat(
            rule=self._settings.weights,
            axis=1 if operator_name(node) == "conv_transpose2d" else 0,
            per_tensor=self._settings.plan.default.granularity == "tensor",
        )

    def _bounds(self, node: Node) -> tuple[float, float]:
        """Of the activation that a node is rounded behind."""
        follower = self.points.fused.get(node.name)
        if follower is None:
            return -math.inf, math.inf
        return _limits(next(user for user in node.users if user.name == follower))


def _bias(args: Arguments) -> torch.Tensor | None:
    return args[2] if len(args) > 2 else None


def _limits(activation: Node) -> tuple[float, float]:
    name = operator_name(activation)
    assert name in ACTIVATIONS
    if name == "relu":
        return 0.0, math.inf
    if name == "relu6":
        return 0.0, 6.0
    numbers: list[Any] = [*activation.args[1:], *activation.kwargs.values()]
    if name == "clamp_max":
        return -math.inf, numbers[0]
    low = numbers[0] if numbers else -1.0
    high = numbers[1] if len(numbers) > 1 else (1.0 if name == "hardtanh" else None)
    return (-math.inf if low is None else low), (math.inf if high is None else high)
