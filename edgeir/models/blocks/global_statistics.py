"""Layers that use global statistics, those of the whole image, and how to fix these statistics from outside.

A *statistics layer* takes the mean (and variance) of its own input over the image. In training these are of the patch.
In a tiled run they are set to those of the whole image, in a constant network to those of calibration images. The
layers form stages: the input of the second depends on the statistics of the first, so statistics are gathered in
forward order, and `Stages.next_input` runs a network only as far as the next layer. Channel attention only scales
features, so that its statistics change little in the inputs of later layers: those of all layers can be gathered in one
pass (`Stages.all_inputs`), which is repeated until they converge.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from edgeir.core.moments import Accumulator, Moments

__all__ = ["Folding", "ImageMean", "InstanceNorm", "Stages", "StatisticsLayer", "statistics_layers"]


class StatisticsLayer(nn.Module):
    """Base of the layers that use global statistics. Subclasses call `register_statistics` when they are built."""

    operation: str
    """Its name in `NetworkFacts.global_operations`."""
    only_scales: bool = False
    """Its statistics only scale the features, as in channel attention: later layers hardly depend on them."""
    computes: Literal["kernel", "graph", "precise"] = "kernel"
    """How statistics are taken from the input: `kernel` by torch's own operator, the fastest in training; `graph` as
    means and products of 4-D tensors, for export; `precise` in float64, exactly as gathered from tiles."""
    mean: torch.Tensor | None
    """(1, C, 1, 1) where the statistics are fixed, else None."""
    variance: torch.Tensor | None

    def register_statistics(self) -> None:
        self.register_buffer("mean", None, persistent=False)  # checkpoints do not hold them
        self.register_buffer("variance", None, persistent=False)

    def set_statistics(self, moments: Moments | None) -> None:
        """Use these statistics from now on; None: compute them from the input."""
        self.mean = None if moments is None else _column(moments.mean)
        self.variance = None if moments is None else _column(moments.variance)

    def moments(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance: of x, (N, C, H, W), each (N, C, 1, 1), or the fixed ones, (1, C, 1, 1)."""
        if self.mean is not None and self.variance is not None:
            return self.mean, self.variance
        if self.computes == "precise":
            variance, mean = torch.var_mean(x.double(), (2, 3), correction=0, keepdim=True)
            return mean.to(x.dtype), variance.to(x.dtype)
        mean = x.mean((2, 3), keepdim=True)
        # Kernels for phones add up a row in float32; what that lost is in the mean of the rest.
        mean = mean + (x - mean).mean((2, 3), keepdim=True)
        centred = x - mean
        return mean, (centred * centred).mean((2, 3), keepdim=True)


class Folding(nn.Module, ABC):
    """A module around a statistics layer that can be simplified once its statistics are fixed, by `Network.deploy`."""

    @abstractmethod
    def fold(self) -> None:
        """Replace the layer, in place, by operations that compute the same; only where its statistics are fixed."""


class ImageMean(StatisticsLayer):
    """Mean of every channel over the image, (N, C, H, W) -> (N, C, 1, 1), or the fixed one, (1, C, 1, 1).

    Args:
        operation, only_scales: see `StatisticsLayer`.
    """

    def __init__(self, operation: str = "image mean", *, only_scales: bool = False) -> None:
        super().__init__()
        self.operation, self.only_scales = operation, only_scales
        self.register_statistics()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.mean is None and self.computes != "precise":
            return x.mean((2, 3), keepdim=True)
        return self.moments(x)[0]


class InstanceNorm(StatisticsLayer, nn.InstanceNorm2d):
    """Instance normalisation with scale and shift, (N, C, H, W) -> the same."""

    operation = "instance normalisation"

    def __init__(self, channels: int, eps: float) -> None:
        nn.InstanceNorm2d.__init__(self, channels, eps=eps, affine=True)
        self.register_statistics()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.mean is None and self.computes == "kernel":
            return nn.InstanceNorm2d.forward(self, x)
        mean, variance = self.moments(x)
        scale = self.weight.view(1, -1, 1, 1) * torch.rsqrt(variance + self.eps)
        return (x - mean) * scale + self.bias.view(1, -1, 1, 1)

    def folded_into(self, conv: nn.Conv2d) -> nn.Conv2d:
        """One convolution for `conv` followed by this layer with its fixed statistics; shares no parameters."""
        assert self.mean is not None, "the statistics are those of the image"
        assert self.variance is not None
        assert conv.bias is not None
        scale = self.weight.double() * torch.rsqrt(self.variance.double().flatten() + self.eps)
        result = nn.Conv2d(
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,  # type: ignore[arg-type]  # a pair, typed as a tuple of any length
            padding=conv.padding,  # type: ignore[arg-type]
            dilation=conv.dilation,  # type: ignore[arg-type]
        )
        with torch.no_grad():
            result.weight.copy_(conv.weight.double() * scale[:, None, None, None])
            assert result.bias is not None
            result.bias.copy_((conv.bias.double() - self.mean.double().flatten()) * scale + self.bias)
        return result


def statistics_layers(network: nn.Module) -> list[StatisticsLayer]:
    """Those without given statistics, in the order of the modules, which is that of the forward pass."""
    return [
        module for module in network.modules() if isinstance(module, StatisticsLayer) and module.mean is None
    ]


class _Reached(Exception):
    """The forward pass has reached the layer whose input was asked for."""


class Stages:
    """The statistics layers of `network` whose statistics are not fixed, stage by stage.

    Args:
        network: any module; its statistics layers must run once each, in the order of its modules, on features of the
            size of the image. From now on they compute in float64.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._layers = statistics_layers(network)
        for layer in self._layers:
            layer.computes = "precise"

    def __len__(self) -> int:
        return len(self._layers)

    @property
    def operations(self) -> frozenset[str]:
        """The names of the layers' operations in `NetworkFacts.global_operations`."""
        return frozenset(layer.operation for layer in self._layers)

    @property
    def only_scale(self) -> bool:
        """All layers only scale features (see `StatisticsLayer.only_scales`)."""
        return all(layer.only_scales for layer in self._layers)

    @contextlib.contextmanager
    def with_statistics(self, known: Sequence[Moments]) -> Iterator[None]:
        """Inside the block the first layers use these statistics, in order."""
        try:
            for layer, moments in zip(self._layers, known, strict=False):
                layer.set_statistics(moments)
            yield
        finally:
            for layer in self._layers:
                layer.set_statistics(None)

    def next_input(self, x: torch.Tensor, known: Sequence[Moments]) -> torch.Tensor:
        """The input of the first layer whose statistics are not in `known`: (N, 3, H, W) -> (N, C, H, W)."""
        reached: list[torch.Tensor] = []

        def stop(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            reached.append(inputs[0])
            raise _Reached

        handle = self._layers[len(known)].register_forward_pre_hook(stop)
        try:
            with self.with_statistics(known), contextlib.suppress(_Reached):
                self._network(x)
        finally:
            handle.remove()
        assert reached, "the statistics layers do not run in the order of the modules"
        return reached[0]

    def all_inputs(
        self, x: torch.Tensor, known: Sequence[Moments], rows: slice, columns: slice
    ) -> list[Accumulator]:
        """The moments of every layer's input over these rows and columns, with the statistics `known` (all, or none).

        Args:
            x: (1, 3, H, W).

        Returns:
            One entry per layer, over its features of the image's size.
        """
        totals = [Accumulator() for _ in self._layers]
        positions = {id(layer): position for position, layer in enumerate(self._layers)}

        def note(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
            features = inputs[0][0]
            assert features.shape[1:] == x.shape[2:], "a layer's features are not of the image's size"
            totals[positions[id(layer)]].add(features[:, rows, columns].permute(1, 2, 0).numpy())

        handles = [layer.register_forward_pre_hook(note) for layer in self._layers]
        try:
            with self.with_statistics(known):
                self._network(x)
        finally:
            for handle in handles:
                handle.remove()
        return totals


def _column(values: np.ndarray[Any, np.dtype[np.float64]]) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32)).view(1, -1, 1, 1)
