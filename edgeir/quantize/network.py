"""A network that is trained for its integer file: quantisation-aware training (QAT).

`FakeQuantized` holds the deployed network (branches fused, normalisations folded) with weights of its own, the range of
every rounded tensor, and the float network that it began as. In training it computes with rounded weights, biases
and activations; in evaluation it computes, in integers, what an int8 file of it computes. Weights, ranges and the
float network are the checkpoint's tensors; the plan is in its card.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import torch
from pydantic import Field, field_validator
from torch import nn

from edgeir.core.config import Config
from edgeir.models.base import Network
from edgeir.quantize.fake import Weights, exact_convolution, fake_weights, integer_weights, rounded, scale_of
from edgeir.quantize.observers import BINS, Observation
from edgeir.quantize.plan import PLANS, Plan
from edgeir.quantize.points import ACTIVATIONS, WEIGHTED, Points, find_points
from edgeir.quantize.ranges import RangeRule, activation_range
from edgeir.quantize.recording import operator_name, record
from edgeir.quantize.weight_scales import WeightRule

__all__ = ["FakeQuantized", "FloatForm", "Quantization"]


class Quantization(Config):
    """What a network is quantised to while it is trained; kept in its card."""

    plan: Plan = PLANS["int8"]
    """Every layer in 8 bits, weights per channel or per tensor."""
    ranges: RangeRule = "minmax"
    """How the ranges of activations follow from the first training images."""
    weights: WeightRule = "pairs"
    """Scales of the weights (`edgeir.quantize.weight_scales`). With `pairs` the same integers are right on processors
    that add neighbouring products in 16 bits too."""
    calibration_batches: int = Field(3, ge=1, le=1000)
    """Training batches that set the ranges."""

    @field_validator("plan")
    @classmethod
    def _trainable(cls, plan: Plan) -> Plan:
        if plan.layers or not plan.default.integer:
            raise ValueError("only a plan with all layers in int8 can be trained for: int8, or int8-tensor")
        return plan


class FakeQuantized(Network):
    """A deployed network in integers, (N, C, H, W) on [0, 1] to the same, clipped."""

    low: torch.Tensor
    high: torch.Tensor

    def __init__(self, reference: Network, quantization: Quantization) -> None:
        """
        Args:
            reference: the float network to begin with, copied.

        Raises:
            ConfigError: it cannot be recorded.
        """
        super().__init__()
        reference = copy.deepcopy(reference).eval().fused()
        self.config = reference.config
        self.settings = quantization
        self.deployed = reference.deploy().requires_grad_(True)
        self.recording = record(self.deployed, reference.facts)
        self.points: Points = find_points(self.recording)
        self.reference = _as_buffers(reference)
        self.register_buffer("low", torch.zeros(self.points.ranges))
        self.register_buffer("high", torch.ones(self.points.ranges))

    @property
    def quantization(self) -> Mapping[str, Any]:
        return self.settings.model_dump(mode="json")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        compute = self._fake if self.training else self._exact
        with torch.autocast(x.device.type, enabled=False):
            return self.recording.run(self.deployed, self._entry(x.float()), compute)

    def train(self, mode: bool = True) -> FakeQuantized:
        super().train(mode)
        self.deployed.eval()  # nothing of a deployed network trains otherwise than it runs
        self.reference.eval()
        return self

    def deploy(self) -> nn.Module:
        return copy.deepcopy(self).eval().requires_grad_(False)

    def float_form(self) -> FloatForm:
        """The network with the trained weights, computed in floats: what a converter is given."""
        return FloatForm(self)

    def taps(self) -> dict[str, nn.Module]:
        return {}

    def macs(self, height: int, width: int) -> int:
        return self.reference.macs(height, width)

    def place(self, group: int) -> tuple[float, int]:
        """Scale and zero point of a range."""
        if group in self.points.fixed:
            return self.points.fixed[group]
        return scale_of(float(self.low[group]), float(self.high[group]))

    # --- ranges

    @property
    def calibrated(self) -> bool:
        """Whether the ranges were set."""
        return bool((self.low != 0).any() or (self.high != 1).any())

    def calibrate(self, images: torch.Tensor) -> None:
        """Set the ranges by the float network's values on `images`, (N, C, H, W) in [0, 1]; in place."""
        seen: dict[int, Observation] = {}
        for counting in (False, True):
            for image in torch.split(images, 1):
                for name, value in self.values(image).items():
                    _observe(seen, self.points.group[name], value, counting=counting)
        for group, observation in seen.items():
            low, high = activation_range(observation, self.settings.ranges)
            self.low[group], self.high[group] = low, high
        self._widen()

    def values(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The float value of every rounded node, and of those that move rounded values; the image is one."""
        found = {self.recording.image: image}

        def compute(node: torch.fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            value = node.target(*args, **kwargs)  # type: ignore[operator]
            if node.name in self.points.group and isinstance(value, torch.Tensor):
                found[node.name] = value
            return value

        with torch.no_grad():
            self.recording.run(self.deployed, image, compute)
        return found

    def _widen(self) -> None:
        """Integer kernels refuse a ratio of scales, input times weight over output, of 256 or more: at most half."""
        for node, weights, given in self._layers():
            group = self.points.place(node)
            assert group is not None
            needed = 255 * given * float(weights.scales.max()) / 128
            width = float(self.high[group] - self.low[group])
            if group not in self.points.fixed and width < needed:
                self.low[group] *= needed / width
                self.high[group] *= needed / width

    # --- integers

    def layers(self) -> dict[str, tuple[torch.Tensor, Weights]]:
        """Every convolution by name: its float weights, and its integers."""
        named = dict(self.deployed.named_parameters()) | dict(self.deployed.named_buffers())
        found = {}
        for node, weights, _ in self._layers():
            given = node.args[1]
            assert isinstance(given, torch.fx.Node)
            name = self.recording.weights.get(given.name, node.name)
            found[name] = (named[name].detach() if name in named else weights.values, weights)
        return found

    def _layers(self) -> list[tuple[torch.fx.Node, Weights, float]]:
        found: list[tuple[torch.fx.Node, Weights, float]] = []

        def compute(node: torch.fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if self._is_layer(node):
                given = self._given(node)[0]
                found.append((node, self._integers(node, args, given), given))
            return node.target(*args, **kwargs)  # type: ignore[operator]

        unit = self.facts.size_multiple
        with torch.no_grad():
            self.recording.run(
                self.deployed, torch.zeros(1, self.facts.channels, 8 * unit, 8 * unit), compute
            )
        return found

    def _is_layer(self, node: torch.fx.Node) -> bool:
        """A convolution of rounded values by weights, which may be computed from others but not from the image."""
        first, second = node.all_input_nodes[0], node.args[1] if len(node.args) > 1 else None
        return (
            operator_name(node) in WEIGHTED
            and self.points.place(node) is not None
            and first.name in self.points.group
            and isinstance(second, torch.fx.Node)
            and second.name not in self.points.group
        )

    def _given(self, node: torch.fx.Node) -> tuple[float, int]:
        return self.place(self.points.group[node.all_input_nodes[0].name])

    def _format(self, node: torch.fx.Node) -> dict[str, Any]:
        return {
            "rule": self.settings.weights,
            "axis": 1 if operator_name(node) == "conv_transpose2d" else 0,
            "per_tensor": self.settings.plan.default.granularity == "tensor",
        }

    def _integers(self, node: torch.fx.Node, args: tuple[Any, ...], scale: float) -> Weights:
        bias = args[2] if len(args) > 2 else None
        return integer_weights(args[1], bias, scale, **self._format(node))

    def _entry(self, image: torch.Tensor) -> torch.Tensor:
        return rounded(image, *self.place(self.points.group[self.recording.image]))

    def _fake(self, node: torch.fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._is_layer(node):
            bias = args[2] if len(args) > 2 else None
            weights, bias = fake_weights(args[1], bias, self._given(node)[0], **self._format(node))
            args = (args[0], weights, bias, *args[3:])
        value = node.target(*args, **kwargs)  # type: ignore[operator]
        return rounded(value, *self.place(self.points.group[node.name])) if self._rounds(node) else value

    def _exact(self, node: torch.fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self._is_layer(node):
            value = node.target(*args, **kwargs)  # type: ignore[operator]
            return rounded(value, *self.place(self.points.group[node.name])) if self._rounds(node) else value
        group = self.points.place(node)
        assert group is not None
        given = self._given(node)

        def convolve(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
            result: torch.Tensor = node.target(values, weights, None, *args[3:], **kwargs)  # type: ignore[operator]
            return result

        weights = self._integers(node, args, given[0])
        return exact_convolution(convolve, args[0], weights, given, self.place(group), self._bounds(node))

    def _rounds(self, node: torch.fx.Node) -> bool:
        return node.name in self.points.rounds

    def _bounds(self, node: torch.fx.Node) -> tuple[float, float]:
        """Of the activation that a node is rounded behind."""
        follower = self.points.fused.get(node.name)
        if follower is None:
            return -math.inf, math.inf
        activation = next(user for user in node.users if user.name == follower)
        return _limits(activation)


def _limits(activation: torch.fx.Node) -> tuple[float, float]:
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


def _observe(seen: dict[int, Observation], group: int, value: torch.Tensor, *, counting: bool) -> None:
    import numpy as np

    array = value.numpy()
    if counting:
        seen[group].counts += np.histogram(array, BINS, seen[group].limits)[0]
        return
    low, high = float(array.min()), float(array.max())
    if group in seen:
        seen[group].low, seen[group].high = min(seen[group].low, low), max(seen[group].high, high)
        return
    seen[group] = Observation(low, high, np.zeros(0), np.zeros(0), np.zeros(BINS))


def _as_buffers(network: Network) -> Network:
    """The network with its parameters turned into buffers, which nothing trains; in place."""
    for module in network.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, parameter.detach())
    return network


class FloatForm(Network):
    """A network that was trained in integers, with its trained weights, in floats."""

    def __init__(self, trained: FakeQuantized) -> None:
        super().__init__()
        self.config = trained.config
        self.deployed = copy.deepcopy(trained.deployed).eval().requires_grad_(False)

    def deploy(self) -> nn.Module:
        return copy.deepcopy(self.deployed)

    def taps(self) -> dict[str, nn.Module]:
        return {}
