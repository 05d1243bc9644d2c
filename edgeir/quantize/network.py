"""A network that is trained for its integer file: quantisation-aware training (QAT).

`FakeQuantized` holds the deployed network (branches fused, normalisations folded) with weights of its own, the range of
every rounded tensor, and the float network that it began as. In training it computes with rounded weights, biases
and activations; in evaluation it computes, in integers, what an int8 file of it computes. Weights, ranges and the
float network are the checkpoint's tensors; the plan is in its card.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import nn

from edgeir.models.base import Network
from edgeir.quantize.fake import scale_of
from edgeir.quantize.observe import observed_ranges
from edgeir.quantize.points import Points
from edgeir.quantize.recording import record
from edgeir.quantize.settings import Quantization
from edgeir.quantize.simulation import Layer, Simulation

__all__ = ["FakeQuantized", "FloatForm"]


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
        self.simulation = Simulation(record(self.deployed, reference.facts), quantization)
        self.points: Points = self.simulation.points
        self.reference = _as_buffers(reference)
        self.register_buffer("low", torch.zeros(self.points.ranges))
        self.register_buffer("high", torch.ones(self.points.ranges))

    @property
    def quantization(self) -> Mapping[str, Any]:
        return self.settings.model_dump(mode="json")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return self.simulation.run(self.deployed, x.float(), self, exactly=not self.training)

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

    # --- ranges

    @property
    def calibrated(self) -> bool:
        """Whether the ranges were set."""
        return bool((self.low != 0).any() or (self.high != 1).any())

    def place(self, group: int) -> tuple[float, int]:
        """Scale and zero point of a range."""
        if group in self.points.fixed:
            return self.points.fixed[group]
        return scale_of(float(self.low[group]), float(self.high[group]))

    def calibrate(self, images: torch.Tensor) -> None:
        """Set the ranges by the float network's values on `images`, (N, C, H, W) in [0, 1]; in place."""
        for group, (low, high) in observed_ranges(self, images, self.settings.ranges).items():
            self.low[group], self.high[group] = low, high
        for layer in self.simulation.layers(self.deployed, self):
            # Kernels refuse a ratio of scales, input times weight over output, of 256 or more: at most half of that.
            group, needed = layer.group, 255 * layer.given[0] * float(layer.integers.scales.max()) / 128
            width = float(self.high[group] - self.low[group])
            if group not in self.points.fixed and width < needed:
                self.low[group] *= needed / width
                self.high[group] *= needed / width

    def values(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        """The float value of every rounded node, and of those that move rounded values; the image is one."""
        return self.simulation.values(self.deployed, image)

    def layers(self) -> list[Layer]:
        """Every convolution with its float weights and its integers."""
        return self.simulation.layers(self.deployed, self)

    def run_partly(
        self, image: torch.Tensor, weights: Collection[str], *, rounded: Collection[str] | None = None
    ) -> torch.Tensor:
        """The restored image with the weights of some layers in integers, and some results rounded.

        Args:
            weights: names of layers. rounded: names of layers; None: every result that an int8 file rounds.
        """
        return self.simulation.partly(self.deployed, image, self, weights, rounded)


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
