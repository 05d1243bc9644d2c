"""Modules that read the whole image, and how to give them what they would have read.

A *reader* takes the mean (and variance) of its own input over the image. In training it reads what it is given. In a
tiled run it is given the statistics of the whole image, in a constant network those of calibration images. Readers form
stages: what the second reads depends on the first, so statistics are gathered in forward order, and `Stages.input`
runs a network just as far as the next one. Channel attention only scales features, so that what it is given changes
little of what later ones read: all of them can be gathered at once (`Stages.all_inputs`), again if need be.
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

__all__ = ["Folding", "ImageMean", "InstanceNorm", "Reader", "Stages", "readers"]


class Reader(nn.Module):
    """What readers have in common. Subclasses call `start` when they are built."""

    operation: str
    """Its name in `NetworkFacts.global_operations`."""
    weighs: bool = False
    """Its statistics only scale the features, as in channel attention: later readers hardly depend on them."""
    computes: Literal["kernel", "graph", "precise"] = "kernel"
    """How statistics are taken from the input: `kernel` by torch's own operator, the fastest in training; `graph` as
    means and products of 4-D tensors, for export; `precise` in float64, exactly as gathered from tiles."""
    mean: torch.Tensor | None
    """(1, C, 1, 1) where the statistics are given, else None."""
    variance: torch.Tensor | None

    def start(self) -> None:
        self.register_buffer("mean", None, persistent=False)  # the card of a checkpoint knows nothing of them
        self.register_buffer("variance", None, persistent=False)

    def give(self, moments: Moments | None) -> None:
        """Use these statistics from now on; None: those of the input."""
        self.mean = None if moments is None else _column(moments.mean)
        self.variance = None if moments is None else _column(moments.variance)

    def moments(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance, (N, C, 1, 1) or as given; x is (N, C, H, W)."""
        if self.mean is not None and self.variance is not None:
            return self.mean, self.variance
        if self.computes == "precise":
            variance, mean = torch.var_mean(x.double(), (2, 3), correction=0, keepdim=True)
            return mean.to(x.dtype), variance.to(x.dtype)
        mean = x.mean((2, 3), keepdim=True)
        centred = x - mean
        return mean, (centred * centred).mean((2, 3), keepdim=True)


class Folding(nn.Module, ABC):
    """A module around a reader that becomes plainer once the statistics are given; `Network.deploy` calls it."""

    @abstractmethod
    def fold(self) -> None:
        """Compute the same without the reader, in place, where its statistics are given; otherwise do nothing."""


class ImageMean(Reader):
    """Mean of every channel over the image, (N, C, H, W) -> (N, C, 1, 1), or (1, C, 1, 1) as given.

    Args:
        operation, weighs: see `Reader`.
    """

    def __init__(self, operation: str = "image mean", *, weighs: bool = False) -> None:
        super().__init__()
        self.operation, self.weighs = operation, weighs
        self.start()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.mean is None and self.computes != "precise":
            return x.mean((2, 3), keepdim=True)
        return self.moments(x)[0]


class InstanceNorm(Reader, nn.InstanceNorm2d):
    """Instance normalisation with scale and shift, (N, C, H, W) -> the same."""

    operation = "instance normalisation"

    def __init__(self, channels: int, eps: float) -> None:
        nn.InstanceNorm2d.__init__(self, channels, eps=eps, affine=True)
        self.start()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.mean is None and self.computes == "kernel":
            return nn.InstanceNorm2d.forward(self, x)
        mean, variance = self.moments(x)
        scale = self.weight.view(1, -1, 1, 1) * torch.rsqrt(variance + self.eps)
        return (x - mean) * scale + self.bias.view(1, -1, 1, 1)

    def folded_into(self, conv: nn.Conv2d) -> nn.Conv2d:
        """One convolution for `conv` and this behind it, both with the given statistics; shares no parameters."""
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


def readers(network: nn.Module) -> list[Reader]:
    """Those without given statistics, in the order of the modules, which is that of the forward pass."""
    return [module for module in network.modules() if isinstance(module, Reader) and module.mean is None]


class _Reached(Exception):
    """The run came to the reader that it was started for."""


class Stages:
    """The readers of `network` without given statistics, stage by stage.

    Args:
        network: any module; its readers must run once each, in the order of its modules, on features of the size of
            the image. From now on they compute in float64.
    """

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._readers = readers(network)
        for reader in self._readers:
            reader.computes = "precise"

    def __len__(self) -> int:
        return len(self._readers)

    @property
    def operations(self) -> frozenset[str]:
        """What the readers stand for among `NetworkFacts.global_operations`."""
        return frozenset(reader.operation for reader in self._readers)

    @property
    def weigh(self) -> bool:
        """All readers only scale features (see `Reader.weighs`)."""
        return all(reader.weighs for reader in self._readers)

    @contextlib.contextmanager
    def given(self, known: Sequence[Moments]) -> Iterator[None]:
        """Inside the block the first readers use these statistics, in order."""
        try:
            for reader, moments in zip(self._readers, known, strict=False):
                reader.give(moments)
            yield
        finally:
            for reader in self._readers:
                reader.give(None)

    def input(self, x: torch.Tensor, known: Sequence[Moments]) -> torch.Tensor:
        """What the reader behind the known ones reads: (N, 3, H, W) -> (N, C, H, W)."""
        reached: list[torch.Tensor] = []

        def stop(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            reached.append(inputs[0])
            raise _Reached

        handle = self._readers[len(known)].register_forward_pre_hook(stop)
        try:
            with self.given(known), contextlib.suppress(_Reached):
                self._network(x)
        finally:
            handle.remove()
        assert reached, "the readers do not run in the order of the modules"
        return reached[0]

    def all_inputs(
        self, x: torch.Tensor, known: Sequence[Moments], rows: slice, columns: slice
    ) -> list[Accumulator]:
        """What every reader reads of these rows and columns, with `known` given (all of them, or none).

        Args:
            x: (1, 3, H, W).

        Returns:
            One entry per reader, over its features of the image's size.
        """
        totals = [Accumulator() for _ in self._readers]

        places = {id(reader): place for place, reader in enumerate(self._readers)}

        def note(reader: nn.Module, inputs: tuple[Any, ...]) -> None:
            features = inputs[0][0]
            assert features.shape[1:] == x.shape[2:], "a reader's features are not of the image's size"
            totals[places[id(reader)]].add(features[:, rows, columns].permute(1, 2, 0).numpy())

        handles = [reader.register_forward_pre_hook(note) for reader in self._readers]
        try:
            with self.given(known):
                self._network(x)
        finally:
            for handle in handles:
                handle.remove()
        return totals


def _column(values: np.ndarray[Any, np.dtype[np.float64]]) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32)).view(1, -1, 1, 1)
